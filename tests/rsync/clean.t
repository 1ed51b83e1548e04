# walclean where rsync reaches: removes what it would remove in a directory, in one run, and tells what it could not.

use FindBin;
use lib "$FindBin::Bin/../lib";
use RsyncTest;

my $server = data_directory('server');
my $model  = archive('ssh', 'model');
run('walpush', at($model), next_segment($server))->{code} == 0 or die;

# With these objects, empty ones.
sub fill
{
	my ($archive, @names) = @_;
	for my $name (@names, '.waltools/archive')
	{
		RsyncTest::must_make("$archive->{directory}/$1") if $name =~ m{(.*)/};
		spew("$archive->{directory}/$name");
	}
	spew("$archive->{directory}/.waltools/archive", slurp("$model->{directory}/.waltools/archive"));
	return $archive;
}

sub left { return grep { !m{^\.waltools/} } RsyncTest::files($_[0]{directory}) }

sub name { return segment_name(number => $_[0], timeline => $_[1] // 1) }

# At the daemon, so far.
sub runs_of_rsync { return scalar(my @all = rsync_daemon()->log =~ /rsync (?:to|on) /g) }

# ---- many

my @many = (
	(map { name($_) . '.zst' } 1 .. 1200),
	(map { name($_, 2) . ($_ % 2 ? '.lz4' : '') } 800 .. 1700),
	(map { name($_, 10) . '.gz' } 1000 .. 1400),
	'00000002.history.zst', '0000000A.history', name(5) . '.00000028.backup.zst', name(1100, 2) . '.partial.zst', name(300) . '.partial',
	name(7) . '.zst.tmp', 'README', name(3) . '.txt', 'sub/' . name(3) . '.zst',
);

sub goes
{
	my ($name, $cutoff) = @_;
	return $name =~ /^[0-9A-F]{24}(?:\.partial)?(?:\.zst|\.lz4|\.gz)?$/ && (substr $name, 8, 16) lt (substr $cutoff, 8);
}

for my $kind (kinds())
{
	my $archive = fill(archive($kind, 'many'), @many);
	my $beside  = fill(archive($kind, 'many2'), name(1));
	my $cutoff  = name(11);
	my $before  = listing($archive->{directory});
	my $dry = run('walclean', '-n', at($archive), $cutoff);
	is($dry->{code}, 0, "$kind: --dry-run") or diag($dry->{err});
	is(join("\n", sort(lines($dry->{out}))), join("\n", sort map { "$archive->{location}/$_" } grep { goes($_, $cutoff) } @many),
		'... lists what would go');
	is(listing($archive->{directory}), $before, '... which is there');
	my $count = runs_of_rsync();
	succeeds("$kind: ten of 2,500 go", { out => '' }, 'walclean', at($archive), $cutoff);
	my $runs = runs_of_rsync() - $count;
	my @left = sort grep { !goes($_, $cutoff) } @many;
	is(join(' ', left($archive)), join(' ', @left), '... these ten');
	succeeds('again: nothing to do', { out => '' }, 'walclean', at($archive), $cutoff);

	$cutoff = name(1700, 2);
	$count = runs_of_rsync();
	my $run    = succeeds("$kind: 2,000 and more go", { out => '' }, 'walclean', at($archive), $cutoff);
	in_time($run, 10);
	my @stays = grep { !goes($_, $cutoff) } @left;
	cmp_ok(scalar(@left) - @stays, '>', 2000, '... so many');
	is(join(' ', left($archive)), join(' ', @stays), '... what is older, whatever its timeline');
	is(runs_of_rsync() - $count, $runs, '... in as many runs of rsync as ten');
	is(join(' ', left($beside)), name(1), '... neighbours are not touched');
	succeeds('-b', 'walclean', '-b', at($archive), $cutoff);
	is(join(' ', grep { /backup/ } left($archive)), '', '... takes the backup history files');
	succeeds('-x', 'walclean', '-x', '.zst.tmp', at($archive), $cutoff);
	is(join(' ', grep { /tmp/ } left($archive)), '', '... takes what has another suffix');
	is(join(' ', grep { /history|README/ } left($archive)), '00000002.history.zst 0000000A.history README', '... and never a history file');
	succeeds('24 zeros', 'walclean', at($archive), '0' x 24);
	is(spools(), '', '... and nothing is left here');
}

# ---- what is said

for my $kind (kinds())
{
	my $archive = fill(archive($kind, 'said'), map { name($_) . '.zst' } 1 .. 3);
	my $run = run('walclean', '-d', at($archive), name(3));
	is(join("\n", sort(lines($run->{err}))), join("\n", "walclean: keeping WAL file \"$archive->{location}/" . name(3) . '" and later',
			map { "walclean: removing file \"$archive->{location}/" . name($_) . '.zst"' } 1, 2), "$kind: -d says what goes");
	is(join(' ', left($archive)), name(3) . '.zst', '... which has gone');
	refuses('no name of a segment', { code => 2 }, 'walclean', at($archive), 'bad');
	refuses("another cluster's archive", { code => 4, cwd => data_directory('other', sysid => SYSID + 1) }, 'walclean', at($archive), name(4));
	is(join(' ', left($archive)), name(3) . '.zst', '... is not touched');
}

# ---- what can't be removed

for my $kind (kinds())
{
	my $archive = fill(archive($kind, 'stubborn'), map { name($_) . '.zst' } 1 .. 5);
	for (2, 4)
	{
		my $path = "$archive->{directory}/" . name($_) . '.zst';
		unlink $path;
		RsyncTest::must_make($path);
		spew("$path/something", '');
	}
	my $run = run('walclean', '--timeout=5s', at($archive), name(5));
	is(join(' ', grep { !m{/} } left($archive)), name(5) . '.zst', "$kind: what can be removed is, beside directories") or diag($run->{err});
	ok(-e "$archive->{directory}/" . name($_) . '.zst/something', '... which stay with all that is in them') for 2, 4;
}
{
	my $archive = fill(archive('daemon', 'reading'), map { name($_) . '.zst' } 1 .. 3);
	refuses('daemon: a module that can only be read', { code => 6, like => qr/read only/, keeps => [ $archive->{directory} ] },
		'walclean', rsync_daemon()->location('ro', 'reading'), name(3));
}
SKIP:
{
	skip 'root may remove what it wants', 8 if $> == 0;
	for my $kind (kinds())
	{
		my $archive = fill(archive($kind, 'locked'), map { name($_) . '.zst' } 1 .. 3);
		chmod 0555, $archive->{directory};
		my $run = run('walclean', '--timeout=5s', at($archive), name(3));
		is($run->{code}, 6, "$kind: a directory that can't be written to") or diag($run->{err});
		like($run->{err}, qr/^walclean: error: .*${\name($_)}\.zst.*[Pp]ermission/m, "... $_ is told") for 1, 2;
		chmod 0755, $archive->{directory};
		succeeds('... until it can', 'walclean', at($archive), name(3));
	}
}

done_testing;
