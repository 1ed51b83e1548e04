# walfetch: its exit codes, which decide whether a recovery waits, stops or ends.

use FindBin;
use lib "$FindBin::Bin/../lib";
use CliTest;
use WalRace;

my $server  = data_directory('server');
my $archive = scratch('archive');
my @numbers = (1, 2, 3, 5, 6);
put($server, '00000002.history', history_text([ 1, 3 * MB + 4000 ]));
my @files = ((map { put_segment($server, number => $_) } @numbers), pg_wal($server) . '/00000002.history',
	map { put_segment($server, number => $_, timeline => 2) } 3, 4, 6);
succeeds('an archive', 'walpush', $archive, @files);
unlink @files;
my %segment = map { $_ => segment_name(number => $_) } 1 .. 20;

# A message that names both segments.
sub both
{
	my ($one, $other) = map { $segment{$_} } @_;
	return qr/$one.*$other/;
}

# A data directory in a state of recovery: files and their contents.
my $states = 0;

sub state_of
{
	my (%file) = @_;
	my $directory = data_directory('state' . ++$states);
	spew("$directory/$_", $file{$_}) for keys %file;
	return $directory;
}

# ---- what is there

{
	my $to = state_of();
	my $run = succeeds('a relative destination', { cwd => $to }, 'walfetch', $archive, $segment{1}, 'pg_wal/RECOVERYXLOG');
	ok(slurp("$to/pg_wal/RECOVERYXLOG") eq segment(number => 1), '... holds the segment');
	is((stat "$to/pg_wal/RECOVERYXLOG")[2] & 0007, 0, '... that not everybody can read');
	succeeds('again, onto an old one', { cwd => $to }, 'walfetch', $archive, $segment{2}, 'pg_wal/RECOVERYXLOG');
	ok(slurp("$to/pg_wal/RECOVERYXLOG") eq segment(number => 2), '... replaces it');
	succeeds('as pg_rewind calls it', { cwd => '/' }, 'walfetch', $archive, $segment{3}, "$to/pg_wal/$segment{3}");
	ok(slurp("$to/pg_wal/$segment{3}") eq segment(number => 3), '... final name, any working directory');
	succeeds('a .history', { cwd => $to, out => '' }, 'walfetch', $archive, '00000002.history', 'pg_wal/RECOVERYHISTORY');
	is(slurp("$to/pg_wal/RECOVERYHISTORY"), history_text([ 1, 3 * MB + 4000 ]), '... is there');
	succeeds('a destination without a directory', { cwd => scratch('bare') }, 'walfetch', $archive, $segment{1}, 'out');
	is(run('walfetch', $archive, '00000002.history', '-')->{out}, history_text([ 1, 3 * MB + 4000 ]), '- is standard output');
	$run = run('walfetch', '-v', $archive, $segment{1}, '/dev/null/x');
	is($run->{code}, 6, 'a destination that can not be') or diag($run->{err});
	refuses('a destination whose directory is missing', { code => 6, keeps => [$to] },
		'walfetch', $archive, $segment{1}, "$to/nowhere/RECOVERYXLOG");
	scratch('state1/pg_wal/directory');
	refuses('a destination that is a directory', { code => 6, keeps => [$to] },
		'walfetch', $archive, $segment{1}, "$to/pg_wal/directory");
	symlink '/nonexistent/target', "$to/pg_wal/link";
	succeeds('a destination that is a symbolic link is replaced', 'walfetch', $archive, $segment{1}, "$to/pg_wal/link");
	ok(!-l "$to/pg_wal/link", '... not followed');
	like(run('walfetch', '-v', $archive, $segment{1}, '-')->{err}, qr/\Awalfetch: fetched [^\n]*\n\z/, '-v tells');
	is(join(' ', sort map { s{.*/}{}r } glob "$to/pg_wal/{*,.[!.]*}"),
		"$segment{3} RECOVERYHISTORY RECOVERYXLOG archive_status directory link", 'nothing is left beside them');
}

# ---- the decision table: what is asked for, in which state, when the archive is what

my $damaged = scratch('damaged');
system("cp -a $archive/. $damaged") == 0 or die;
for my $object ("$segment{1}.zst", '00000002.history.zst')
{
	my $bytes = slurp("$damaged/$object");
	vec($bytes, 8 * 350, 1) ^= 1;
	spew("$damaged/$object", $bytes);
}
my $gone   = scratch('gone') . '/archive';
my $empty  = scratch('empty');
my $stolen = scratch('stolen');    # the identity is damaged
scratch('stolen/.waltools');
spew("$stolen/.waltools/archive", "waltools-archive=1\nrubbish\n");
spew(scratch() . '/file', '');

my %state = (
	none     => {},
	recovery => { 'recovery.signal' => '' },
	standby  => { 'standby.signal' => '' },
	both     => { 'recovery.signal' => '', 'standby.signal' => '' },
);
my @old = (
	[ recovery => "restore_command = 'x'\n" ],
	[ standby  => "standby_mode = on\n" ],
	[ standby  => "standby_mode = 'on'\nrestore_command = 'x'\n" ],
	[ standby  => "  STANDBY_MODE='on' # yes\n" ],
	[ standby  => "standby_mode 'true'\n" ],
	[ standby  => "standby_mode = yes" ],
	[ standby  => "standby_mode = 1\n" ],
	[ standby  => "standby_mode = t\n" ],
	[ standby  => "standby_mode = off\nstandby_mode = on\n" ],
	[ recovery => "standby_mode = on\nstandby_mode = off\n" ],
	[ recovery => "standby_mode = 'off'\n" ],
	[ recovery => "#standby_mode = on\n" ],
	[ recovery => "# standby_mode = on\nrestore_command = 'standby_mode = on'\n" ],
	[ recovery => "standby_modes = on\n" ],
	[ recovery => '' ],
);

my @plights = (
	[ 'absent',      $archive, $segment{7},  { none => 1, recovery => 1,   standby => 1, both => 1 } ],
	[ 'unreachable', $gone,    $segment{1},  { none => 3, recovery => 254, standby => 3, both => 3 } ],
	[ 'empty',       $empty,   $segment{1},  { none => 3, recovery => 254, standby => 3, both => 3 } ],
	[ 'damaged',     $damaged, $segment{1},  { none => 5, recovery => 254, standby => 5, both => 5 } ],
	[ 'a hole',      $archive, $segment{4},  { none => 3, recovery => 254, standby => 3, both => 3 } ],
	[ 'identity damaged', $stolen, $segment{1}, { none => 5, recovery => 254, standby => 5, both => 5 } ],
	[ 'a file',      scratch() . '/file', $segment{1}, { none => 2, recovery => 254, standby => 2, both => 2 } ],
	[ 'no such section', 'nosuch', $segment{1}, { none => 2, recovery => 254, standby => 2, both => 2 } ],
	[ 'history absent',      $archive, '00000003.history', { none => 1, recovery => 1, standby => 1, both => 1 } ],
	[ 'history unreachable', $gone,    '00000002.history', { none => 3, recovery => 254, standby => 3, both => 3 } ],
	[ 'history damaged',     $damaged, '00000002.history', { none => 5, recovery => 254, standby => 5, both => 5 } ],
	[ 'history 1 unreachable', $gone,  '00000001.history', { none => 1, recovery => 1, standby => 1, both => 1 } ],
	[ 'history 1',           $archive, '00000001.history', { none => 1, recovery => 1, standby => 1, both => 1 } ],
	[ 'history 1, empty archive', $empty, '00000001.history', { none => 1, recovery => 1, standby => 1, both => 1 } ],
);
my @table = map { [ $_, $state{$_}, $_ ] } sort keys %state;
push @table, map { [ "recovery.conf: " . ($_->[1] =~ s/\n/\\n/gr), { 'recovery.conf' => $_->[1] }, $_->[0] ] } @old;
for my $row (@table)
{
	my ($title, $files, $column) = @$row;
	my $data = state_of(%$files);
	my @wrong;
	for my $plight (@plights)
	{
		my ($what, $where, $name, $code) = @$plight;
		next if $title =~ /conf/ && $what !~ /^(?:absent|unreachable|damaged)$/;
		my $run = run({ cwd => $data }, 'walfetch', '--timeout=300ms', $where, $name, 'pg_wal/RECOVERYXLOG');
		my $told = $code->{$column} == 1 ? $run->{err} eq '' : $run->{err} =~ /\Awalfetch: error: [^\n]+\n\z/;
		push @wrong, "$what: $run->{code} instead of $code->{$column}, $run->{err}" if $run->{code} != $code->{$column} || !$told;
		push @wrong, "$what: something was delivered" if -e "$data/pg_wal/RECOVERYXLOG";
	}
	is(join("\n", @wrong), '', "exit codes with $title");
}

# --on-error forces either way
for my $case (
	[ abort => {}, 254 ], [ abort => { 'standby.signal' => '' }, 254 ], [ table => { 'recovery.signal' => '' }, 3 ],
	[ auto => { 'recovery.signal' => '' }, 254 ],
  )
{
	my ($how, $files, $code) = @$case;
	my $data = state_of(%$files);
	for my $way ([ { cwd => $data }, "--on-error=$how" ], [ { cwd => $data, env => { WALTOOLS_ON_ERROR => $how } } ])
	{
		my ($option, @options) = @$way;
		refuses("--on-error=$how with @{[ keys %$files ]} (@options)", { %$option, code => $code, keeps => [$data] },
			'walfetch', '--timeout=300ms', @options, $gone, $segment{1}, 'pg_wal/RECOVERYXLOG');
	}
	is(run({ cwd => $data }, 'walfetch', "--on-error=$how", $archive, $segment{7}, 'x')->{code}, 1, '... absent stays absent');
}

# What is wrong with the call itself does not end a recovery either
{
	my $data = state_of('recovery.signal' => '');
	for my $wrong ([ '--nonsense', $archive, $segment{1}, 'x' ], [ $archive, $segment{1} ], [ $archive, 'nonsense', 'x' ],
		[ '--compress=nonsense', $archive, $segment{1}, 'x' ], [])
	{
		refuses("in a recovery: walfetch @{[ map { s{.*/}{}r } @$wrong ]}", { code => 254, cwd => $data, keeps => [$data] },
			'walfetch', @$wrong);
	}
	refuses('in a recovery: a full disk', { code => 254, cwd => $data, keeps => [$data], program => 'walfetch' }, 'sh', '-c',
		'ulimit -f 100; exec walfetch --timeout=300ms "$@"', 'sh', $archive, $segment{1}, 'pg_wal/RECOVERYXLOG');
}

# ---- patience

{
	my $data = state_of('recovery.signal' => '');
	my $run = run({ cwd => $data }, 'walfetch', '--timeout=2s', $gone, $segment{1}, 'x');
	cmp_ok($run->{seconds}, '>', 1.5, 'a recovery waits for the archive until the deadline');
	cmp_ok($run->{seconds}, '<', 20, '... and no longer');
	$run = run({ cwd => state_of() }, 'walfetch', '--timeout=20s', $gone, $segment{1}, 'x');
	cmp_ok($run->{seconds}, '<', 10, 'by hand, nothing is waited for');
	$run = run({ cwd => $data }, 'walfetch', '--timeout=20s', $archive, $segment{7}, 'x');
	cmp_ok($run->{seconds}, '<', 10, 'what is absent is not waited for');
	$run = run({ cwd => state_of('standby.signal' => '') }, 'walfetch', '--timeout=1s', $gone, $segment{1}, 'x');
	cmp_ok($run->{seconds}, '<', 10, 'nor does a standby wait longer than it is told');

	my $late = scratch('late') . '/archive';
	my $pid = fork() // die;
	if ($pid == 0)
	{
		# the archive is mounted while walfetch waits for it
		wait_until { -e "$data/asking" } 20;
		symlink $archive, $late;
		POSIX::_exit(0);
	}
	$run = run({ cwd => $data }, 'sh', '-c', 'touch asking; exec walfetch --timeout=30s "$@"', 'sh', $late, $segment{1}, 'pg_wal/RECOVERYXLOG');
	waitpid $pid, 0;
	is($run->{code}, 0, 'an archive that comes back within the time is no error') or diag($run->{err});
	ok(slurp("$data/pg_wal/RECOVERYXLOG") eq segment(number => 1), '... and the segment is delivered');

  SKIP:
	{
		can_trace() or skip 'strace can not trace here', 1;
		my $waiting = stopped_at('clock_nanosleep', 'sh', '-c', 'cd "$1" && shift && exec "$@"', 'sh', $data,
			'walfetch', '--timeout=30s', $gone, $segment{1}, 'x');
		$waiting->pass_on('TERM') or diag('SIGTERM is not handed on');
		my $ended = $waiting->go_on;
		ok($ended->{signal} == 15 || $ended->{code} == 143, 'SIGTERM ends the waiting, and PostgreSQL takes it for a shutdown')
		  or diag("$ended->{code} $ended->{err}");
	}
}

# ---- absence is proved, or it is not told

{
	my $foreign = scratch('foreign');
	spew("$foreign/$segment{1}", segment(number => 1));
	is(run('walfetch', $foreign, $segment{2}, 'x')->{code}, 1, 'a foreign archive that holds WAL proves absence');
	my $junk = scratch('junk');
	spew("$junk/$_", 'x') for 'README', 'lost+found', '000000010000000000000001.backup', '00000001000000000000000G', 'archive.tar.gz';
	refuses('a directory of other files does not', { code => 3 }, 'walfetch', $junk, $segment{2}, 'x');
	my $mine = new_archive('mine', $server);
	unlink glob "$mine/0*";
	is(run('walfetch', $mine, $segment{2}, 'x')->{code}, 1, 'an archive with its identity does, also without a segment');
	is(run('walfetch', "file://$archive", $segment{7}, 'x')->{code}, 1, 'file:///path');
	my $dangling = scratch() . '/dangling';
	symlink '/nonexistent/archive', $dangling;
	refuses('a dangling link to the archive', { code => 3 }, 'walfetch', $dangling, $segment{1}, 'x');
}

# An archive of another cluster proves nothing of ours: a path mistyped on a host with two clusters.
{
	my $other = data_directory('other', sysid => SYSID + 1);
	my $theirs = new_archive('theirs', $server);
	for my $signal ('', 'recovery.signal')
	{
		spew("$other/$signal", '') if $signal;
		my $run = run({ cwd => $other }, 'walfetch', '--timeout=300ms', $theirs, $segment{9}, 'pg_wal/RECOVERYXLOG');
		is($run->{code}, $signal ? 254 : 4, "another cluster's archive does not prove absence, $signal") or diag($run->{err});
		$run = run({ cwd => $other }, 'walfetch', '--timeout=300ms', $archive, '00000002.history', 'pg_wal/RECOVERYHISTORY');
		is($run->{code}, $signal ? 254 : 4, "... nor is its .history delivered, $signal") or diag($run->{err});
		ok(!-e "$other/pg_wal/RECOVERYHISTORY", '... really not');
		unlink "$other/pg_wal/RECOVERYHISTORY";
	}
}

# ---- holes

{
	my $data = state_of();
	my $run = refuses('a hole is not the end', { code => 3, keeps => [$data], cwd => $data, like => both(4, 5) },
		'walfetch', $archive, $segment{4}, 'pg_wal/RECOVERYXLOG');
	is(run({ cwd => $data }, 'walfetch', $archive, $segment{7}, 'x')->{code}, 1, '... what is behind the last segment is');
	spew("$data/pg_wal/$segment{4}", segment(number => 4));
	is(run({ cwd => $data }, 'walfetch', $archive, $segment{4}, 'pg_wal/RECOVERYXLOG')->{code}, 1,
		'... no hole when pg_wal has the segment: PostgreSQL looks there next');
	spew("$data/pg_wal/$segment{4}", 'stub');
	is(run({ cwd => $data }, 'walfetch', $archive, $segment{4}, 'pg_wal/RECOVERYXLOG')->{code}, 3, '... a stub does not count');
	unlink "$data/pg_wal/$segment{4}";

	my $second = sub { segment_name(number => $_[0], timeline => 2) };
	is(run('walfetch', $archive, $second->(2), 'x')->{code}, 1, 'before its fork a timeline has no segments: no hole');
	is(run('walfetch', $archive, $second->(1), 'x')->{code}, 1, '... nor long before');
	my $middle = $second->(5);
	my $next = $second->(6);
	refuses('... but behind it', { code => 3, like => qr/$middle.*$next/ }, 'walfetch', $archive, $middle, 'x');
	is(run('walfetch', $archive, segment_name(number => 4, timeline => 3), 'x')->{code}, 1, 'a timeline that is not there at all');
	my $without = scratch('without');
	system("cp -a $archive/. $without; rm $without/00000002.history.zst; rm $without/" . $second->(3) . '.zst') == 0 or die;
	refuses('the first segment of a timeline is missing, and so is its history', { code => 3 },
		'walfetch', $without, $second->(3), 'x');

	for my $suffix ('', '.gz', '.lz4', '.xz', '.bz2')
	{
		my $mixed = new_archive("mixed$suffix", $server);
		spew("$mixed/" . $segment{5} . $suffix, 'x');
		refuses("a later '$segment{5}$suffix' makes a hole too", { code => 3, like => both(3, 5) },
			'walfetch', $mixed, $segment{3}, 'x');
	}
	for my $suffix ('partial', 'partial.gz', '00000028.backup')
	{
		my $proved = new_archive("proved $suffix", $server);
		spew("$proved/$segment{5}.$suffix", 'x');
		refuses("a later $suffix proves that there was WAL before it", { code => 3, like => both(3, 5) },
			'walfetch', $proved, $segment{3}, 'x');
	}
	my $ends = new_archive('ends', $server);
	spew("$ends/" . $segment{5} . ".$_", 'x') for 'tmp', 'zst.part';
	is(run('walfetch', $ends, $segment{3}, 'x')->{code}, 1, 'a later temporary file does not');
	spew("$ends/$segment{3}.partial", 'x');
	is(run('walfetch', $ends, $segment{3}, 'x')->{code}, 1, "nor does the segment's own partial");
	is(run('walfetch', $archive, "$segment{4}.partial", 'x')->{code}, 1, 'a .partial is never in a hole');
}

# ---- a large archive is no obstacle

{
	my $large = new_archive('large', $server);
	my $template = "$large/$segment{1}.zst";
	link $template, sprintf "%s/%08X%08X%08X.zst", $large, 1, $_ / 4096, $_ % 4096 or die for 2 .. 40_000;
	my $run = run('walfetch', $large, segment_name(number => 40_001), 'x');
	is($run->{code}, 1, 'absent from an archive of 40,000 segments');
	unlink sprintf "%s/%08X%08X%08X.zst", $large, 1, 5, 17;
	my $hole = segment_name(number => 5 * 4096 + 17);
	my $next = segment_name(number => 5 * 4096 + 18);
	refuses('... a hole in it', { code => 3, like => qr/$hole.*$next/ }, 'walfetch', $large, $hole, 'x');
	my ($peak) = peak_kb('walfetch', $large, $hole, 'x');
  SKIP:
	{
		skip 'peak memory can not be asked for here', 1 unless $peak;
		cmp_ok($peak, '<', 64 * 1024, "... peak memory $peak KiB");
	}
}

done_testing;
