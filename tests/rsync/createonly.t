# Nothing is overwritten in an archive that rsync reaches: by link(2) where there is a shell, else under a claim.

use FindBin;
use lib "$FindBin::Bin/../lib";
use File::Basename qw(basename);
use RsyncTest;
use WalRace;

my @servers = map { data_directory("server$_") } 0, 1;
my $strange = data_directory('strange', sysid => SYSID + 1);
my %rounds  = ('ssh' => 15, 'ssh, rsync only' => 10, 'daemon' => 8);

sub stored_is
{
	my ($archive, $file) = @_;
	my $object = "$archive->{directory}/" . basename($file) . '.zst';
	return -e $object && run({ stdin => slurp($object) }, 'zstd', '-dcq')->{out} eq slurp($file);
}

sub raced { my ($archive, @commands) = @_; return at_once(map { [ 'walpush', '--timeout=20s', at($archive), @$_ ] } @commands) }

# ---- two pushers and one name

for my $kind (kinds())
{
	my $archive = archive($kind, 'race');
	succeeds("$kind: an archive", 'walpush', at($archive), put_segment($servers[0], number => 1));
	my $number = 1000;
	for my $case ([ 'other', $rounds{$kind}, [ 1, 2 ], '0 4' ], [ 'the same', $rounds{$kind} / 2, [ 1, 1 ], '0 0' ])
	{
		my ($what, $rounds, $seeds, $codes) = @$case;
		my (@wrong, @won);
		for my $round (1 .. $rounds)
		{
			$number++;
			my @files = map { put_segment($servers[$_], number => $number, seed => $seeds->[$_]) } 0, 1;
			my @runs = raced($archive, map { [$_] } @files);
			my ($winner) = grep { $runs[$_]{code} == 0 } 0, 1;
			my $got = join ' ', sort map { $_->{code} } @runs;
			push @wrong, "round $round: exit codes $got\n" . join '', map { $_->{err} } @runs if $got ne $codes;
			push @wrong, "round $round: what is stored is not the winner's" if !defined $winner || !stored_is($archive, $files[$winner]);
			push @wrong, map { "round $round: $_" } one_error($_, 'walpush', 4, qr/other content.*there.*here/) for grep { $_->{code} == 4 } @runs;
			$won[ $winner // 2 ]++;
		}
		is(join("\n", @wrong), '', "$kind: two pushers, one name, $what content: $rounds rounds");
		note('won: ', join ' and ', map { $_ // 0 } @won);
	}
	is(temporary($archive) . claims($archive) . spools(), '', '... and nothing is left over');
}

# ---- two clusters and an empty archive

for my $kind (kinds())
{
	my @wrong;
	for my $round (1 .. 4)
	{
		my $archive = archive($kind, "new$round");
		my @files = (put_segment($servers[0], number => 2), put_segment($strange, number => 3, sysid => SYSID + 1));
		my @runs = raced($archive, map { [ $_, '--cache=none' ] } @files);
		my ($winner) = grep { $runs[$_]{code} == 0 } 0, 1;
		my $codes = join ' ', sort map { $_->{code} } @runs;
		push @wrong, "round $round: exit codes $codes: " . join ' ', map { $_->{err} } @runs if $codes ne '0 4';
		my $owner = SYSID + ($winner // 9);
		push @wrong, "round $round: the identity is not the winner's"
		  if slurp("$archive->{directory}/.waltools/archive") !~ /^system-identifier=$owner$/m;
		push @wrong, 'stored: ' . objects($archive) if objects($archive) ne segment_name(number => 2 + ($winner // 9)) . '.zst';
	}
	is(join("\n", @wrong), '', "$kind: two clusters and an empty archive: it belongs to one of them");
}

# ---- claims that others have made

for my $kind (grep { $_ ne 'ssh' } kinds())
{
	my $archive = archive($kind, 'claims');
	succeeds("$kind: an archive", 'walpush', at($archive), next_segment($servers[0]));
	my $claim = sub {
		my ($file, $digest, $age) = @_;
		my $path = "$archive->{directory}/.waltools/tmp/" . basename($file) . '.zst';
		symlink $digest . '.' . (time - $age), $path or die "symlink: $!";
		return $path;
	};
	my $file  = next_segment($servers[0]);
	my $taken = $claim->($file, 'a' x 64, 20);
	my $run   = refuses("$kind: another push is under way", { code => 3, like => qr/another push of this name.*2\d seconds/ }, 'walpush',
		'--timeout=1s', at($archive), $file);
	in_time($run, 8);
	ok(-l $taken, '... whose claim stays');
	unlike(objects($archive), qr/\Q${\basename($file)}/, '... and nothing is stored');
	unlink $taken;
	succeeds('... until it is done', 'walpush', at($archive), $file);

	my $next = next_segment($servers[0]);
	$claim->($next, 'b' x 64, 3700);
	succeeds("$kind: one that died more than an hour ago", 'walpush', '--timeout=5s', at($archive), $next);
	ok(stored_is($archive, $next), '... hinders nobody');

	my $same = next_segment($servers[0]);
	$claim->($same, Digest::SHA::sha256_hex(slurp($same)), 20);
	succeeds("$kind: one of the same content", 'walpush', '--timeout=5s', at($archive), $same);
	ok(stored_is($archive, $same), '... hinders nobody');
	is(temporary($archive) . claims($archive) . spools(), '', '... and no claim is left');

	for my $option ('--cache=none', '--timeout=60s')
	{
		$claim->($same, Digest::SHA::sha256_hex(slurp($same)), 20);
		succeeds("$kind, $option: one that died when all was there", 'walpush', $option, at($archive), $same);
		is(claims($archive), '', '... is cleaned up after');
	}

	my $odd = next_segment($servers[0]);
	$claim->($odd, 'c' x 64, -7200);
	succeeds("$kind: one from two hours ahead", 'walpush', '--timeout=5s', at($archive), $odd);
	my $nonsense = next_segment($servers[0]);
	symlink 'nonsense', "$archive->{directory}/.waltools/tmp/" . basename($nonsense) . '.zst' or die;
	succeeds('... and one that says nothing are old ones', 'walpush', '--timeout=5s', at($archive), $nonsense);
}

# ---- a name that is taken by what is no object

for my $kind (kinds())
{
	my $archive = archive($kind, 'taken');
	succeeds("$kind: an archive", 'walpush', at($archive), next_segment($servers[0]));
	my @files = map { next_segment($servers[0]) } 1 .. 2;
	my ($link, $folder) = map { "$archive->{directory}/" . basename($_) . '.zst' } @files;
	my $target = spew(scratch() . '/target', 'untouched');
	symlink $target, $link or die;
	mkdir $folder or die;
	my @runs = map { run('walpush', '--timeout=2s', at($archive), $_) } @files;
	isnt($_->{code}, 0, "$kind: refused") or diag($_->{err}) for @runs;
	ok(-l $link && slurp($target) eq 'untouched', '... a link stays, and what it leads to');
	is(join(' ', RsyncTest::files($folder)), '', '... a directory stays empty');
	is(temporary($archive) . spools(), '', '... and nothing is left');
}

done_testing;
