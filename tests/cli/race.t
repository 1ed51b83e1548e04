# Two pushers and one name: exactly one content wins, nothing is mixed, nothing is stored twice.

use FindBin;
use lib "$FindBin::Bin/../lib";
use CliTest;
use WalRace;

my @servers = map { data_directory("server$_") } 0, 1;
my $strange = data_directory('strange', sysid => SYSID + 1);
my $archive = new_archive('archive', $servers[0]);
my $number  = 10;

# One round: both push at once. Returns the name, both contents, exit codes and messages.
sub duel
{
	my (%how) = @_;
	$number++;
	my @seeds = $how{same} ? (1, 1) : (1, 2);
	my @bytes = map { segment(number => $number, seed => $_) } @seeds;
	my $name = segment_name(number => $number);
	my @files = map { put($servers[$_], $name, $bytes[$_]) } 0, 1;
	my @runs = at_once(map { [ 'walpush', "--compress=$how{compress}[$_]", $archive, $files[$_] ] } 0, 1);
	my @objects = grep { /^$name/ } split / /, stored($archive);
	my $run = run('walfetch', $archive, $name, '-');
	unlink @files, map { "$archive/$_" } @objects;
	return { name => $name, runs => \@runs, objects => \@objects, bytes => \@bytes, fetched => $run->{out},
		codes => join ' ', sort map { $_->{code} } @runs };
}

sub rounds
{
	my ($title, $count, $codes, %how) = @_;
	my (@wrong, @won);
	for my $round (1 .. $count)
	{
		my $duel = duel(%how);
		my ($winner) = grep { $duel->{runs}[$_]{code} == 0 } 0, 1;
		my @said = map { $_->{err} } @{ $duel->{runs} };
		push @wrong, "round $round: exit codes $duel->{codes}\n@said" if $duel->{codes} ne $codes;
		push @wrong, "round $round: stored as @{ $duel->{objects} }" if @{ $duel->{objects} } != 1;
		push @wrong, "round $round: what is stored is not the winner's"
		  if !defined $winner || $duel->{fetched} ne $duel->{bytes}[$winner];
		for my $run (grep { $_->{code} == 4 } @{ $duel->{runs} })
		{
			push @wrong, map { "round $round: $_" } one_error($run, 'walpush', 4, qr/other content.*there.*here/);
		}
		$won[ $winner // 2 ]++;
	}
	is(join("\n", @wrong), '', "$title, $count rounds");
	note("won: ", join ' and ', map { $_ // 0 } @won[ 0, 1 ]);
	return;
}

rounds('the same content: both are told that it is archived', 50, '0 0', same => 1, compress => [ 'zstd', 'zstd' ]);
rounds('the same content in two codings: it is stored once', 50, '0 0', same => 1, compress => [ 'lz4', 'zstd' ]);
rounds('different content: one wins, one is refused', 50, '0 4', compress => [ 'zstd', 'zstd' ]);
rounds('different content in two codings: one wins, one is refused', 50, '0 4', compress => [ 'none', 'gzip:1' ]);
is(leftovers($archive), '', 'no temporary file is left');

# ---- the first push into an empty archive, by two clusters

{
	my @wrong;
	for my $round (1 .. 30)
	{
		my $new = scratch("new$round");
		my @files = (put_segment($servers[0], number => 2), put_segment($strange, number => 3, sysid => SYSID + 1));
		my @runs = at_once(map { [ 'walpush', $new, $_ ] } @files);
		my ($winner) = grep { $runs[$_]{code} == 0 } 0, 1;
		my $codes = join ' ', sort map { $_->{code} } @runs;
		push @wrong, "round $round: exit codes $codes: " . join ' ', map { $_->{err} } @runs if $codes ne '0 4';
		push @wrong, "round $round: stored: " . stored($new)
		  if stored($new) ne segment_name(number => 2 + ($winner // 9)) . '.zst';
		my $owner = SYSID + ($winner // 9);
		push @wrong, "round $round: the identity is not the winner's"
		  if slurp("$new/.waltools/archive") !~ /^system-identifier=$owner$/m;
	}
	is(join("\n", @wrong), '', 'two clusters and an empty archive: it belongs to one of them, 30 rounds');
}

# ---- eight at once, all files of a server, as after a crash of the archiver

{
	my $crowd = new_archive('crowd', $servers[0]);
	my @files = map { put_segment($servers[0], number => $_) } 1 .. 8;
	my @runs = at_once(map { my $first = $_; [ 'walpush', $crowd, map { $files[ ($first + $_) % 8 ] } 0 .. 7 ] } 0 .. 7);
	is(join(' ', map { $_->{code} . $_->{err} } @runs), join(' ', (0) x 8), 'eight pushers, eight files, in any order');
	is(stored($crowd), join(' ', map { segment_name(number => $_) . '.zst' } 1 .. 8), '... all are there, once');
	is(leftovers($crowd), '', '... and no temporary file');
}

# ---- the same without luck: the first pusher has seen that the name is free, and is stopped before it takes it

SKIP:
{
	can_trace() or skip 'strace can not trace here', 1;

	for my $case ([ 'zstd', 'zstd' ], [ 'zstd', 'none' ], [ 'gzip', 'lz4' ], [ 'zstd', 'zstd', 'linkat:error=EPERM' ])
	{
		for my $same (1, 0)
		{
			$number++;
			my $name = segment_name(number => $number);
			my @files = map { put_segment($servers[$_], number => $number, seed => $same ? 1 : 1 + $_) } 0, 1;
			my $title = ($same ? 'same' : 'other') . " content, first $case->[0], then $case->[1]";
			$title .= ', where there are no hard links' if $case->[2];
			my $stopped = stopped_at(join(' ', 'fsync', $case->[2] // ()), 'walpush', "--compress=$case->[0]", $archive, $files[0]);
			succeeds("$title: the second overtakes", 'walpush', "--compress=$case->[1]", $archive, $files[1]);
			my $before = listing("$archive/" . (grep { /^$name/ } split / /, stored($archive))[0]);
			my $run = $stopped->go_on;
			is($run->{code}, $same ? 0 : 4, '... the first ' . ($same ? 'finds it archived' : 'is refused'))
			  or diag($run->{err});
			my @objects = grep { /^$name/ } split / /, stored($archive);
			is(scalar @objects, 1, '... one object is there') or diag("@objects");
			is(listing("$archive/$objects[0]"), $before, "... as the second has written it");
		}
	}

	# The moment between the look for the same name in another coding and the link is nobody else's.
	{
		my $first = put_segment($servers[0], number => ++$number);
		my @looks = map { $_->{name} } grep { $_->{name} =~ /^faccessat/ } @{ traced('faccessat,faccessat2', 'walpush', $archive, $first)->{calls} };
	  SKIP:
		{
			skip 'the last look is not a call of faccessat', 2 unless @looks;
			my @files = map { put_segment($_, number => $number + 1) } @servers;
			my $name = segment_name(number => ++$number);
			my $stopped = stopped_at("$looks[-1]:" . @looks, 'walpush', $archive, $files[0]);
			my $second = run('walpush', '--compress=none', '--timeout=1s', $archive, $files[1]);
			my $run = $stopped->go_on;
			my @objects = grep { /^$name/ } split / /, stored($archive);
			is("@objects", "$name.zst", 'one stops after it has looked for other codings: the other waits')
			  or diag("$run->{code} $run->{err} $second->{code} $second->{err}");
			succeeds('... and finds it archived then', 'walpush', '--compress=none', $archive, $files[1]);
		}
	}

	# before the identity is in place
	{
		my $new = scratch('new');
		my $file = put_segment($servers[0], number => 2);
		my $stopped = stopped_at('fsync', 'walpush', $new, $file);
		succeeds('one cluster stops within its first push, another comes first', 'walpush', $new,
			put_segment($strange, number => 3, sysid => SYSID + 1));
		my $before = listing($new);
		my $run = $stopped->go_on;
		is($run->{code}, 4, '... the first is refused') or diag($run->{err});
		is(stored($new), segment_name(number => 3) . '.zst', '... and nothing of it is there');
	}
}

done_testing;
