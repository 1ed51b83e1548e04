# walclean --keep-backups, --keep-days, --keep-size: what goes, what is said, what is refused, what is asked.

use FindBin;
use lib "$FindBin::Bin/../lib";
use CliTest;

use constant { DAY => 86400 };

my $server   = data_directory('server');
my $identity = slurp(new_archive('model', $server) . '/.waltools/archive');
my $now      = time;
my $count    = 0;

sub name { return segment_name(number => $_[0], timeline => $_[1] // 1) }

# An archive of segments of 1 MB, of which only the first is one in more than its name. Options:
#   wal => [ [TIMELINE, FIRST, LAST], ... ], backups => [ [TIMELINE, NUMBER, DAYS OLD, LABEL], ... ],
#   history => { TIMELINE => [ [ANCESTOR, LSN], ... ] }, size => bytes of a segment, old => { TIMELINE => days old }
sub archive
{
	my (%option) = @_;
	my $path = scratch('archive' . ++$count);
	mkdir "$path/.waltools";
	spew("$path/.waltools/archive", $identity);
	my ($first) = sort { $a->[0] <=> $b->[0] } @{ $option{wal} };
	for my $range (@{ $option{wal} })
	{
		spew("$path/" . name($_, $range->[0]), 'x' x ($option{size} // 10)) for $range->[1] .. $range->[2];
	}
	spew("$path/" . name(@$first[ 1, 0 ]), segment(number => $first->[1], timeline => $first->[0])) if $first;
	utime $now - $option{old}{$_} * DAY, $now - $option{old}{$_} * DAY, glob sprintf '%s/%08X*', $path, $_ for keys %{ $option{old} // {} };
	for my $backup (@{ $option{backups} })
	{
		my ($timeline, $number, $days, $label) = @$backup;
		my $file = "$path/" . backup_name(number => $number, timeline => $timeline);
		spew($file, backup_text(number => $number, timeline => $timeline, label => $label // "day $days"));
		utime $now - $days * DAY, $now - $days * DAY, $file;
	}
	spew(sprintf('%s/%08X.history', $path, $_), history_text(@{ $option{history}{$_} })) for keys %{ $option{history} // {} };
	return $path;
}

# "1:3-9 b5 b7 2:10-12 h2 b10": the segments of each timeline, its history, its backups.
sub left
{
	my ($archive) = @_;
	my (%have, %more);
	for (split / /, stored($archive))
	{
		if (/^(\w{8})(\w{16})$/)         { $have{ hex $1 }{ hex(substr $2, 0, 8) * 4096 + hex substr $2, 8 } = 1 }
		elsif (/^(\w{8})(\w{16})\..*backup$/) { push @{ $more{ hex $1 } }, 'b' . hex $2 }
		elsif (/^(\w{8})\.history$/)     { unshift @{ $more{ hex $1 } }, 'h' . hex $1 }
	}
	my @told;
	for my $timeline (sort { $a <=> $b } keys %{ { %have, %more } })
	{
		my @ranges;
		for (sort { $a <=> $b } keys %{ $have{$timeline} // {} })
		{
			if (@ranges && $ranges[-1][1] == $_ - 1) { $ranges[-1][1] = $_ }
			else                                     { push @ranges, [ $_, $_ ] }
		}
		push @told, "$timeline:" . join(',', map { "$_->[0]-$_->[1]" } @ranges), @{ $more{$timeline} // [] };
	}
	return join ' ', @told;
}

# ---- what goes

my @plain = (wal => [ [ 1, 1, 40 ] ], backups => [ [ 1, 5, 20 ], [ 1, 15, 9 ], [ 1, 25, 5 ], [ 1, 35, 1 ] ]);
my $all   = '1:1-40 b5 b15 b25 b35';
my @forked = (
	wal     => [ [ 1, 1, 30 ], [ 2, 20, 50 ] ], history => { 2 => [ [ 1, 20 * MB + 4096 ] ] },
	backups => [ [ 1, 5, 20 ], [ 1, 15, 15 ], [ 1, 25, 14 ], [ 2, 35, 5 ], [ 2, 45, 1 ] ], old => { 1 => 13 },
);

for my $case (
	[ 'the two newest',            [@plain], ['--keep-backups=2'], '1:25-40 b25 b35' ],
	[ 'the newest',                [@plain], ['--keep-backups=1'], '1:35-40 b35' ],
	[ 'as many as there are',      [@plain], ['--keep-backups=4'], '1:5-40 b5 b15 b25 b35' ],
	[ 'fewer than asked for',      [@plain], ['--keep-backups=5'], $all ],
	[ 'the last week',             [@plain], ['--keep-days=7'],    '1:15-40 b15 b25 b35' ],
	[ 'the last nine days',        [@plain], ['--keep-days=9'],    '1:15-40 b15 b25 b35' ],
	[ 'the last ten days',         [@plain], ['--keep-days=10'],   '1:5-40 b5 b15 b25 b35' ],
	[ 'the last month',            [@plain], ['--keep-days=30'],   $all ],
	[ 'what fits',                 [ @plain, size => 10000 ], ['--keep-size=200kB'], '1:25-40 b25 b35' ],
	[ '... all of it',             [ @plain, size => 10000 ], ['--keep-size=1GB'],   $all ],
	[ 'what one of them keeps',    [@plain], [ '--keep-backups=1', '--keep-days=7' ], '1:15-40 b15 b25 b35' ],
	[ '... or the other',          [@plain], [ '--keep-backups=3', '--keep-days=4', '--keep-size=1' ], '1:15-40 b15 b25 b35', qr/take more than keep-size/ ],
	[ 'OLDESTKEPT keeps more',     [@plain], [ '--keep-backups=1', name(30) ], '1:30-40 b35' ],
	[ '... and not less',          [@plain], [ '--keep-backups=2', name(38) ], '1:25-40 b25 b35' ],
	[ '... nor without a place',   [@plain], [ '--keep-backups=2', '0' x 24 ], $all ],
	[ 'across a fork',             [@forked], ['--keep-backups=2'], '2:35-50 h2 b35 b45' ],
	[ 'not those of a left branch', [@forked], ['--keep-backups=3'], '1:15-30 b15 b25 2:20-50 h2 b35 b45' ],
	[ 'a branch, newer than all',  [ wal => [ [ 1, 1, 60 ], [ 2, 20, 30 ] ], history => { 2 => [ [ 1, 20 * MB ] ] },
			backups => [ [ 1, 5, 9 ], [ 1, 15, 8 ], [ 1, 40, 7 ], [ 1, 50, 6 ] ] ],
		['--keep-backups=1'], '1:15-60 b15 b40 b50 2:20-30 h2' ],
	[ 'a timeline of which there is only the history', [ wal => [ [ 1, 1, 60 ] ], history => { 2 => [ [ 1, 20 * MB ] ] },
			backups => [ [ 1, 5, 9 ], [ 1, 15, 8 ], [ 1, 40, 7 ], [ 1, 50, 6 ] ] ],
		['--keep-backups=1'], '1:15-60 b15 b40 b50 2: h2' ],
	[ 'one whose WAL is not all there', [ wal => [ [ 1, 1, 34 ], [ 1, 36, 40 ] ], backups => [ [ 1, 5, 9 ], [ 1, 15, 8 ], [ 1, 35, 1 ] ] ],
		['--keep-backups=2'], '1:5-34,36-40 b5 b15 b35', qr/WAL is missing behind/ ],
	[ 'those in front of a gap',   [ wal => [ [ 1, 1, 19 ], [ 1, 22, 40 ] ], backups => [ [ 1, 5, 9 ], [ 1, 15, 8 ], [ 1, 25, 5 ], [ 1, 35, 1 ] ] ],
		['--keep-backups=2'], '1:25-40 b25 b35' ],
	[ '... do not count',          [ wal => [ [ 1, 1, 19 ], [ 1, 22, 40 ] ], backups => [ [ 1, 5, 9 ], [ 1, 15, 8 ], [ 1, 35, 1 ] ] ],
		['--keep-backups=2'], '1:1-19,22-40 b5 b15 b35' ],
  )
{
	my ($title, $archive, $options, $left, $warning) = @$case;
	$archive = archive(@$archive);
	my $run = run('walclean', $archive, @$options);
	like($run->{err}, $warning // qr/\A\z/, "$title: what is said");
	is("$run->{code} " . left($archive), "0 $left", $title) or diag(run('walclean', '-nv', $archive, @$options)->{out});
}

# ---- times

{
	my $archive = archive(@plain);
	utime $now - 100 * DAY, $now - 100 * DAY, glob "$archive/0000*";
	utime $now - $_->[1] * DAY, $now - $_->[1] * DAY, "$archive/" . backup_name(number => $_->[0]) for [ 5, 112 ], [ 15, 108 ], [ 25, 105 ], [ 35, 101 ];
	run('walclean', $archive, '--keep-days=7');
	is(left($archive), '1:15-40 b15 b25 b35', 'days are counted back from the newest object: a clock that is ahead removes no more');
	my $future = archive(@plain);
	utime $now + 100 * DAY, $now + 100 * DAY, "$future/" . backup_name(number => 25), "$future/" . name(40);
	run('walclean', $future, '--keep-days=7');
	is(left($future), '1:15-40 b15 b25 b35', '... and a time in the future keeps more, not less');
}

# ---- two servers in one archive

{
	my $archive = archive(wal => [ [ 1, 1, 30 ], [ 2, 20, 60 ] ], history => { 2 => [ [ 1, 20 * MB ] ] },
		backups => [ [ 1, 5, 9 ], [ 1, 25, 2 ], [ 2, 40, 3 ], [ 2, 50, 1 ] ]);
	my $run = run('walclean', $archive, '--keep-backups=1');
	like($run->{err}, qr/\Awalclean: warning: timeline 1 is not on the way to timeline 2.*${\backup_name(number => 25)}.*\n\z/, 'a branch that is still archived to is told');
	is(left($archive), '1:25-30 b25 2:25-60 h2 b40 b50', '... and keeps its newest backup');
	utime $now - 5 * DAY, $now - 5 * DAY, glob "$archive/00000001*";
	spew("$archive/" . name(25, 2), segment(number => 25, timeline => 2));
	succeeds('one that was left before the oldest kept backup', 'walclean', $archive, '--keep-backups=1');
	is(left($archive), '2:50-60 h2 b50', '... does not');
}

# ---- what is said

{
	my $archive = archive(@forked);
	my $before  = listing($archive);
	my $run = succeeds('a dry run', 'walclean', '-n', $archive, '--keep-backups=2', '--keep-days=4');
	is(listing($archive), $before, '... removes nothing');
	like($run->{out}, qr/^  \S+ \S+  ${\backup_name(number => 5)}  dropped  "day 20"$/m, '... tells what is dropped') or diag($run->{out});
	like($run->{out}, qr/^  \S+ \S+  ${\backup_name(number => 25)}  dropped \(does not count: not on the way to the newest timeline\)/m, '... what does not count');
	like($run->{out}, qr/^  \S+ \S+  ${\backup_name(number => 35, timeline => 2)}  kept: one of the 2 newest, for the last 4 days  "day 5"$/m, '... what is kept, and why');
	like($run->{out}, qr/^  timeline 1 goes: ${\name(1)} to ${\name(30)}, 30 segments, 3 backup history files \(1 MiB\)$/m, '... which WAL goes');
	like($run->{out}, qr/^  timeline 2 stays: ${\name(35, 2)} to ${\name(50, 2)}, 16 segments, 2 backup history files \(\d+ B\)$/m, '... which stays');
	like($run->{out}, qr/^Older than 0000000000000023: 45 segments, 3 backup history files \(1 MiB\) would go; 16 segments, .* stay[.]$/m, '... how much that is');
	succeeds('... and it goes', 'walclean', $archive, '--keep-backups=2', '--keep-days=4');
	is(left($archive), '2:35-50 h2 b35 b45', '... as it was told');

	$archive = archive(@plain);
	$run = run('walclean', '-v', $archive, '--keep-backups=9');
	like($run->{err}, qr/nothing goes: there are fewer than 9 base backups/, 'with -v it is said why nothing goes');
	like(run('walclean', '-n', $archive, '--keep-backups=9')->{out}, qr/^All stays: there are fewer than 9 .*\nNothing would go; 40 segments/m, '... and by a dry run');
	like(run('walclean', '-n', $archive, '--keep-backups=1', name(30))->{out}, qr/^More would go, but OLDESTKEPT keeps it/m, '... that OLDESTKEPT keeps something');

	$archive = archive(@plain, size => 10000);
	$run = run('walclean', $archive, '--keep-size=5000');
	like($run->{err}, qr/\Awalclean: warning: the newest base backup and its WAL take more than keep-size.*\n\z/, 'the newest backup alone is too large');
	is(left($archive), '1:35-40 b35', '... and is kept');

	$archive = archive(wal => [ [ 1, 1, 36 ], [ 1, 39, 40 ] ], backups => [ [ 1, 5, 9 ], [ 1, 35, 1 ] ]);
	$run = run('walclean', $archive, '--keep-backups=1');
	like($run->{err}, qr/\Awalclean: warning: WAL is missing behind ${\name(36)}.*\n\z/, 'a gap behind the newest backup is told');
	is(left($archive), '1:35-36,39-40 b35', '... but is in front of no other');

	$archive = archive(@plain[ 0, 1 ], backups => [ [ 1, 35, 1, "a\e[31m\nb" ] ]);
	unlike(run('walclean', '-n', $archive, '--keep-backups=1')->{out}, qr/\e/, 'a label does not steer the terminal');
}

# ---- settings

{
	my $archive = archive(@plain);
	my $config  = spew(scratch() . '/waltools.conf', "keep-days = 30\n[main]\narchive = $archive\nkeep-backups = 2\nkeep-days = 0\n");
	my $out = qr/^  \S+ \S+  ${\backup_name(number => 25)}  kept: one of the 2 newest/m;
	like(run('walclean', '-n', "--config=$config", 'main')->{out}, $out, 'from the file');
	like(run({ env => { WALTOOLS_KEEP_BACKUPS => 2 } }, 'walclean', '-n', $archive)->{out}, $out, 'from the environment');
	like(run({ env => { WALTOOLS_KEEP_BACKUPS => 4 } }, 'walclean', '-n', "--config=$config", 'main', '--keep-backups=2')->{out}, $out, 'the command line wins');
	for my $wrong ('--keep-backups=x', '--keep-backups=-1', '--keep-backups=', '--keep-days=1w', '--keep-days=70000', '--keep-size=big', '--keep-size=-1', '--keep-size')
	{
		refuses("misuse: $wrong", { code => 2, keeps => [$archive] }, 'walclean', $archive, $wrong);
	}
	refuses('OLDESTKEPT may be left out only then', { code => 2, like => qr/argument is missing/, keeps => [$archive] }, 'walclean', $archive);
	refuses('... which 0 is not', { code => 2, like => qr/argument is missing/, keeps => [$archive] }, 'walclean', $archive, '--keep-backups=0');
	refuses('a suffix of others', { code => 2, like => qr/strip-extension/, keeps => [$archive] }, 'walclean', $archive, '--keep-backups=1', '-x', '.br');
	refuses('a name that is none', { code => 2, keeps => [$archive] }, 'walclean', $archive, '--keep-backups=1', 'bad');
}

# ---- what can't be told

for my $case (
	[ 'no base backup',                 qr/no base backup/,                     [ wal => [ [ 1, 1, 9 ] ] ] ],
	[ 'a history that is missing',      qr/history of timeline 3 is not in the archive.*push 00000003\.history/, [ @forked, wal => [ [ 1, 1, 30 ], [ 2, 20, 50 ], [ 3, 1, 2 ] ] ] ],
	[ 'a history that is damaged',      qr/history of timeline 2 can't be read/, [@forked], sub { spew("$_[0]/00000002.history", "nonsense\n") } ],
	[ 'a backup file that is damaged',  qr/${\backup_name(number => 15)} can't be read/, [@plain], sub { spew("$_[0]/" . backup_name(number => 15), '') } ],
	[ 'a backup file of another',       qr/${\backup_name(number => 15)} can't be read.*another backup/, [@plain], sub { spew("$_[0]/" . backup_name(number => 15), backup_text(number => 16)) } ],
	[ 'a gap in front of the newest timeline', qr/timeline 2: ${\name(19)} is missing/, [ @forked, wal => [ [ 1, 1, 18 ], [ 2, 20, 50 ] ], backups => [ [ 1, 5, 9 ] ] ] ],
	[ 'no backup that leads to the newest', qr/no base backup leads to timeline 2/, [ @forked, backups => [ [ 1, 25, 9 ] ] ] ],
	[ 'none that is whole',             qr/${\name(5)} is missing/, [ wal => [ [ 1, 6, 30 ] ], backups => [ [ 1, 5, 9 ] ] ] ],
  )
{
	my ($title, $like, $archive, $change) = @$case;
	$archive = archive(@$archive);
	$change->($archive) if $change;
	refuses("refused: $title", { code => 4, like => $like, keeps => [$archive] }, 'walclean', $archive, $_) for '--keep-backups=1', '--keep-days=1';
	refuses('... by a dry run, too', { code => 4, like => $like, keeps => [$archive] }, 'walclean', '-n', $archive, '--keep-size=1');
}
{
	my $archive = archive(@plain);
	refuses("another cluster's", { code => 4, cwd => data_directory('other', sysid => SYSID + 1), keeps => [$archive] }, 'walclean', $archive, '--keep-backups=1');
	refuses('an archive that is not there', { code => 3 }, 'walclean', scratch() . '/nowhere', '--keep-backups=1');
	my $empty = scratch('empty');
	refuses('an empty directory: not mounted?', { code => 3, keeps => [$empty] }, 'walclean', $empty, '--keep-backups=1');
}

# ---- a question, on a terminal alone

sub on_terminal
{
	my ($answer, @command) = @_;
	return run({ stdin => $answer }, 'script', '-qec', join(' ', @command), '/dev/null');
}

{
	my $archive = archive(@plain);
	my $before  = listing($archive);
	my $run = on_terminal("n\n", 'walclean', $archive, '--keep-backups=1');
	like($run->{out}, qr/would go: 34 segments, 3 backup history files .*more than half.*\[y\/N\]/, 'much goes, so a terminal is asked');
	like($run->{out}, qr/walclean: error: .*not confirmed; nothing was removed/, '... and no is no') or diag($run->{out});
	is($run->{code} . listing($archive), "4$before", '... so nothing goes');
	$run = on_terminal("\n", 'walclean', $archive, '--keep-backups=1');
	is($run->{code} . listing($archive), "4$before", '... nothing is no, too');
	unlike(on_terminal("n\n", 'walclean', '-n', $archive, '--keep-backups=1')->{out}, qr/y\/N/, 'a dry run asks nothing');
	$run = on_terminal("y\n", 'walclean', $archive, '--keep-backups=1');
	is("$run->{code} " . left($archive), '0 1:35-40 b35', '... and yes is yes') or diag($run->{out});

	$archive = archive(@plain);
	is(on_terminal('', 'walclean', '-y', $archive, '--keep-backups=1')->{code} . left($archive), '01:35-40 b35', '-y: nobody is asked');
	$archive = archive(@plain);
	is(on_terminal('', 'walclean', $archive, '--keep-days=7')->{code} . left($archive), '01:15-40 b15 b25 b35', 'little goes: nobody is asked');
	$archive = archive(@plain);
	is(on_terminal('', 'walclean', $archive, name(39))->{code} . left($archive), '01:39-40 b5 b15 b25 b35', 'nothing is to be kept: nor then');
}

# ---- several archives

{
	my @archives = (archive(@plain), archive(@plain[ 0, 1 ], backups => [ [ 1, 15, 9 ], [ 1, 20, 5 ] ]));
	my $config = spew(scratch() . '/both.conf', "[both]\nkeep-backups = 2\n", map { "archive = $_\n" } @archives);
	is(scalar(() = run('walclean', "--config=$config", '-n', 'both')->{out} =~ /^Base backups:$/mg), 2, 'a section of two archives: a report of each');
	like(on_terminal("y\n", 'walclean', "--config=$config", 'both')->{out}, qr/say --yes/, '... of which a terminal is not asked');
	succeeds('... then', { out => '' }, 'walclean', "--config=$config", '--yes', 'both');
	is(join(', ', map { left($_) } @archives), '1:25-40 b25 b35, 1:15-40 b15 b20', '... each by its own base backups');
	@archives = map { archive(@plain) } 1, 2;
	spew($config, "[both]\narchive = x\narchive = y\n", map { "[$_->[0]]\narchive = $_->[1]\nkeep-backups = 1\n" } [ x => $archives[0] ], [ y => $archives[1] ]);
	like(on_terminal("y\n", 'walclean', "--config=$config", 'both')->{out}, qr/say --yes/, 'each with a rule of its own: a terminal is not asked twice at once');
	refuses('... a suffix that hides base backups', { code => 2, like => qr/--strip-extension does not go/, keeps => \@archives },
		'walclean', "--config=$config", '-x', '.x', 'both', name(36));
	succeeds('... then', { out => '' }, 'walclean', "--config=$config", '--yes', 'both');
	is(join(', ', map { left($_) } @archives), '1:35-40 b35, 1:35-40 b35', '... by its own rule');
}

# ---- many

{
	my $archive = archive(wal => [ [ 1, 1, 1 ] ]);
	my $from = $archive . '/' . name(1);
	for my $number (2 .. 300_000)
	{
		my $path = "$archive/" . sprintf '%08X%08X%08X', 1, $number >> 12, $number & 4095;
		if ($number % 50_000) { link $from, $path or die "link: $!" }
		else                  { $from = spew($path, 'x') }
	}
	spew("$archive/" . backup_name(number => $_), backup_text(number => $_)) for 5, 150_000, 250_000;
	my ($kb, $code, $err) = peak_kb('walclean', '-n', '--keep-backups=2', $archive);
	SKIP:
	{
		skip 'memory is not known here', 2 unless defined $kb;
		is("$code$err", '0', '300,000 names');
		cmp_ok($kb, '<', 64 * 1024, '... in less than 64 MiB');
	}
}

done_testing;
