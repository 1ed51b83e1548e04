# An archive that rsync reaches: what is there comes back, and what is not is absent only when that is proved.

use FindBin;
use lib "$FindBin::Bin/../lib";
use File::Basename qw(basename);
use RsyncTest;

my $server = data_directory('server');
my ($pitr, $standby) = (recovering('pitr'), standing_by('standby'));

# Exit codes in the three, for each of several archives; and whether each was given what it should be, or nothing.
sub codes_of
{
	my ($archives, $name, $content) = @_;
	my @tries = map { my $archive = $_; map { [ $archive, $_, "$_/pg_wal/RECOVERY$archive->{kind}" ] } $server, $pitr, $standby } @$archives;
	unlink map { $_->[2] } @tries;
	my @runs = together(map { [ 'env', '-C', $_->[1], 'walfetch', '--timeout=2s', at($_->[0]), $name, $_->[2] ] } @tries);
	my @told;
	for my $i (0 .. $#runs)
	{
		my ($run, $to) = ($runs[$i], $tries[$i][2]);
		my $fits = $run->{code} == 0 ? -e $to && slurp($to) eq $content : !-e $to;
		my @wrong = $run->{code} > 1 && $run->{err} !~ /\Awalfetch: error: [^\n]+\n\z/ ? " said $run->{err}" : ();
		push @told, $run->{code} . ($fits ? '' : ' with other content') . (late($run, 10) ? ' late' : '') . "@wrong";
	}
	return map { join ' ', splice @told, 0, 3 } @$archives;
}

sub codes { my ($archive, @rest) = @_; return (codes_of([$archive], @rest))[0] }

# ---- what comes back

for my $kind (kinds())
{
	my $archive = archive($kind, 'kinds');
	my $first = next_segment($server);
	succeeds("$kind, a segment", 'walpush', at($archive), $first);
	is(codes($archive, basename($first), slurp($first)), '0 0 0', '... comes back byte for byte');
	for my $coding (qw(lz4 gzip none))
	{
		my $file = next_segment($server);
		succeeds("$kind, $coding", 'walpush', "--compress=$coding", at($archive), $file);
		is(fetched($archive->{location}, $file, @{ $archive->{options} }), '', '... comes back');
	}
	my %small = (
		'00000002.history'                     => history_text(),
		backup_name(number => 2)               => backup_text(number => 2),
		segment_name(number => 6) . '.partial' => segment(number => 6, end => 'stale'),
	);
	succeeds("$kind, small files", 'walpush', at($archive), map { put($server, $_, $small{$_}) } sort keys %small);
	is(fetched($archive->{location}, pg_wal($server) . "/$_", @{ $archive->{options} }), '', "$kind: $_") for sort keys %small;
	is(spools(), '', '... and nothing is left here');
	unlink glob pg_wal($server) . '/0*';
}

# ---- what another tool has stored

for my $kind (kinds())
{
	my $archive = archive($kind, 'foreign');
	my @files = map { next_segment($server) } 1 .. 3;
	my @names = map { basename($_) } @files;
	spew("$archive->{directory}/$names[0]", slurp($files[0]));
	spew("$archive->{directory}/$names[1].gz", run('gzip', '-c', $files[1])->{out});
	spew("$archive->{directory}/$names[2].zst", run('zstd', '-qc', $files[2])->{out});
	is(fetched($archive->{location}, $_, @{ $archive->{options} }), '', "$kind: another tool's " . basename($_)) for @files;
	succeeds('... are archived already', 'walpush', at($archive), @files);
}

# ---- absent

{
	my @archives = map { archive($_, 'absent') } kinds();
	my $name = sub { segment_name(number => $_[0]) };
	my $each = sub {
		my ($title, $asked, $codes, $do) = @_;
		$do->($_) for $do ? @archives : ();
		my @codes = codes_of(\@archives, $asked);
		is($codes[$_], $codes, "$archives[$_]{kind}: $title") for 0 .. $#archives;
	};
	succeeds("$_->{kind}: segments 20 to 23", 'walpush', at($_), map { put_segment($server, number => $_) } 20 .. 23) for @archives;
	unlink glob pg_wal($server) . '/0*';    # what a server has itself is not missed
	$each->('behind the last one is the end', $name->(24), '1 1 1');
	$each->('there is no other timeline', '00000002.history', '1 1 1');
	$each->('before the first one something has been removed', $name->(19), '3 254 3');
	$each->('a hole is not the end', $name->(22), '3 254 3', sub { unlink "$_[0]{directory}/" . $name->(22) . '.zst' or die });
	$each->('the identity is gone, but segments tell whose they are', $name->(24), '1 1 1',
		sub { unlink "$_[0]{directory}/.waltools/archive" or die });
	$each->('an empty directory proves nothing', $name->(24), '3 254 3', sub { unlink glob "$_[0]{directory}/0*" });
	$each->('nor one that is not there', $name->(24), '3 254 3', sub { system('rm', '-r', '--', $_[0]{directory}) == 0 or die });
	$each->('of other timelines neither', '00000002.history', '3 254 3');
	ok(!-e $_->{directory}, "$_->{kind}: ... and none is made") for @archives;
}
{
	my %nowhere = (kind => 'nowhere', options => [], location => 'rsync://wal@127.0.0.1:' . rsync_daemon()->port . '/nowhere/main');
	is(codes(\%nowhere, segment_name(number => 24)), '3 254 3', 'a module that is not there');
	rsync_daemon()->module('gone', path => scratch() . '/gone');
	%nowhere = (kind => 'gone', options => [], location => rsync_daemon()->location('gone'));
	is(codes(\%nowhere, segment_name(number => 24)), '3 254 3', 'a module whose directory is not there');
	my $readable = archive('daemon', 'readable');
	my $file = next_segment($server);
	succeeds('an archive', 'walpush', at($readable), $file);
	my $ro = { %$readable, location => rsync_daemon()->location('ro', 'readable') };
	is(fetched($ro->{location}, $file), '', '... is read by way of a module that can only be read');
	is(codes($ro, segment_name(number => 9999)), '1 1 1', '... which proves an absence too');
}

# ---- what is no file, and what is damaged

for my $kind (kinds())
{
	my $archive = archive($kind, 'odd');
	my @files = map { put_segment($server, number => 30 + $_) } 0 .. 3;
	succeeds("$kind: segments", 'walpush', at($archive), @files);
	unlink glob pg_wal($server) . '/0*';    # what a server has itself is not missed
	my ($damaged, $linked, $folder) = map { basename($_) } @files[ 0 .. 2 ];
	my $object = slurp("$archive->{directory}/$damaged.zst");
	vec($object, 4 * length $object, 1) ^= 1;
	spew("$archive->{directory}/$damaged.zst", $object);
	is(codes($archive, $damaged), '5 254 5', '... one is damaged');
	unlink map { "$archive->{directory}/$_.zst" } $linked, $folder;
	symlink '/etc/passwd', "$archive->{directory}/$linked.zst" or die;
	is(codes($archive, $linked), '4 254 4', '... one is a link');
	mkdir "$archive->{directory}/$folder.zst" or die;
	is(codes($archive, $folder), '4 254 4', '... one is a directory');
	is(spools(), '', '... and nothing is left here');
}

done_testing;
