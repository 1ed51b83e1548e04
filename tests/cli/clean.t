# walclean, held against pg_archivecleanup of PostgreSQL 15 over random directories, and point by point where that one
# is no oracle: the options of 17 and 18, our suffixes, failures, durability.

use FindBin;
use lib "$FindBin::Bin/../lib";
use CliTest;
use WalRace;

my $oracle = '/usr/lib/postgresql/15/bin/pg_archivecleanup';
-x $oracle or die "$oracle is not there: run scripts/setup\n";
my $seed = note_seed();

sub fill
{
	my ($directory, @names) = @_;
	spew("$directory/$_", '') for @names;
	return $directory;
}

sub one_of { return $_[ rand @_ ] }

# ---- the oracle

# Hex digits that are near enough to each other for comparisons to go both ways.
sub digits { return sprintf '%08X%08X%08X', one_of(1, 1, 2, 3, 0xA), one_of(0, 0, 0, 1, 0xF), one_of(0, 1, 2, 9, 0xA, 0xF, 0x10, 0xFF) }

sub any_name
{
	my ($extension) = @_;
	my $hex = digits();
	my $tail = sprintf '%08X', one_of(0x28, 0, 0xFFFFFF);
	my $name = one_of(
		$hex, $hex, $hex, "$hex.partial", "$hex.partial", "$hex.$tail.backup", substr($hex, 0, 8) . '.history',
		lc $hex, substr($hex, 1), "${hex}0", "$hex.", "$hex.part", "$hex.partial.", "$hex.PARTIAL", "$hex.backup",
		"$hex.done", "$hex.tmp", ".$hex", "G$hex", substr($hex, 0, 23) . 'G', 'RECOVERYXLOG', 'README', "$hex.Z", "$hex$tail",
		"$hex.partial.partial", "$hex $tail", "$hex.ready",
	);
	return $extension eq '' || rand > 0.5 ? $name : $name . $extension . one_of('', '', '', $extension, '.partial');
}

sub any_cutoff
{
	my ($extension) = @_;
	my $hex = digits();
	return one_of(
		$hex, $hex, $hex, $hex, "$hex.partial", "$hex.00000028.backup", "$hex$extension", "$hex$extension", "$hex.partial$extension",
		"$hex$extension$extension", '0' x 24, lc $hex, 'F' x 24, "$hex.history", substr($hex, 0, 8) . '.history', "$hex.0000002G.backup",
		"$hex.backup", "$hex.xyz.backup", "$hex.28.backup", "$hex.00000028.backup.backup", "${hex}AA", "$hex.PARTIAL", "$hex.partial.partial",
		"./$hex", '', substr($hex, 1), "$hex.00000028.backup$extension", "${hex}AA.00000028.backup", "$hex. 28.backup", "$hex.gz",
	);
}

my %our_code = (0 => 0, 2 => 2, 1 => 6);

sub compare
{
	my ($round) = @_;
	my $extension = one_of('', '', '.foo', '.gz', '.zst', '.Z', 'gz', '.partial', '0');
	my @names = map { any_name($extension) } 1 .. 1 + rand 40;
	@names = grep { !/\.(?:gz|zst|lz4|xz|bz2|lzma|lz)$/ } @names if $extension !~ /gz|zst/;
	@names = grep { !/gz$|zst$/ || /\Q$extension\E$/ } @names if $extension =~ /gz|zst/;
	my @option = (one_of([], [], ['-d'], ['-n'], [ '-n', '-d' ], ['-dn']), $extension eq '' ? one_of([], [ '-x', '' ])
		: one_of([ '-x', $extension ], ["-x$extension"], [ '-x', '.other', '-x', $extension ]));
	my @options = map { @$_ } @option;
	my $cutoff = any_cutoff($extension);
	my @where = map { fill(scratch("clean/$_/archive"), @names) } qw(theirs ours);
	my $slash = one_of('', '', '/');
	my @runs;
	for my $number (0, 1)
	{
		my @arguments = ("$where[$number]$slash", $cutoff);
		my @command = ($number ? 'walclean' : $oracle, rand > 0.3 ? (@options, @arguments) : rand > 0.5 ? (@arguments, @options)
			: ($arguments[0], @options, $arguments[1]));
		srand $seed + $round;    # the same order for both
		$runs[$number] = run(@command);
	}
	my @text = map { join "\n", sort split /\n/, "$_->{out}$_->{err}" } @runs;
	$text[0] =~ s/^pg_archivecleanup: /walclean: /gm;
	s{clean/(?:theirs|ours)/}{}g for @text;
	my @left = map { join ' ', sort map { s{.*/}{}r } glob "$_/{*,.[!.]*}" } @where;
	my @wrong;
	my $code = $our_code{ $runs[0]{code} };
	push @wrong, "exit code $runs[1]{code} instead of $code" if $runs[1]{code} != $code;
	push @wrong, "left over\n  theirs: $left[0]\n  ours:   $left[1]" if $left[0] ne $left[1];
	push @wrong, "said\n  theirs: $text[0]\n  ours:   $text[1]" if $code == 0 && $text[0] ne $text[1];
	push @wrong, "said: $runs[1]{err}" if $code != 0 && one_error($runs[1], 'walclean', $code);
	system('rm', '-rf', scratch('clean'));
	return map { "round $round, walclean @options '$cutoff', names @names:\n$_" } @wrong;
}

{
	my @wrong;
	for my $round (1 .. 400)
	{
		srand $seed + $round;
		push @wrong, compare($round);
	}
	is(join("\n", @wrong[ 0 .. ($#wrong < 4 ? $#wrong : 4) ]), '', '400 random directories, cleaned as pg_archivecleanup does')
	  or diag("TEST_SEED=$seed");
}

# ---- point by point

my $cutoff = segment_name(number => 0x10);
my ($older, $same, $newer) = map { segment_name(number => $_) } 0xF, 0x10, 0x11;
my $lower = segment_name(number => 0xF, timeline => 7);
my $case_number = 0;

# What is left of these names.
sub cleaned
{
	my ($names, @arguments) = @_;
	my $directory = fill(scratch('case' . ++$case_number), @$names);
	my $run = run('walclean', $directory, @arguments);
	return $run->{err} if $run->{code} != 0;
	return join ' ', sort map { s{.*/}{}r } glob "$directory/{*,.[!.]*}";
}

for my $case (
	[ 'the oldest to keep stays, and what is newer', [ $older, $same, $newer ], [$cutoff], [ $same, $newer ] ],
	[ 'it need not be there', [ $older, $newer ], [$cutoff], [$newer] ],
	[ 'timelines are not compared', [ $lower, segment_name(number => 0x11, timeline => 1), segment_name(number => 0xF, timeline => 0xFF) ],
		[$cutoff], [ segment_name(number => 0x11) ] ],
	[ 'a .partial goes like its segment', [ map { "$_.partial" } $older, $same, $newer ], [$cutoff], [ map { "$_.partial" } $same, $newer ] ],
	[ '... and as the oldest to keep means its segment', [ $older, $same, "$same.partial" ], ["$cutoff.partial"], [ $same, "$same.partial" ] ],
	[ 'a .backup as the oldest to keep, too', [ $older, $same ], ["$cutoff.00000028.backup"], [$same] ],
	[ 'history files are never removed', [ '00000001.history', '00000002.history.zst', '00000003.history.gz', $older ], ['F' x 24],
		[ '00000001.history', '00000002.history.zst', '00000003.history.gz' ] ],
	[ '.backup files stay', [ "$older.00000028.backup", "$older.00000028.backup.zst" ], [$cutoff],
		[ "$older.00000028.backup", "$older.00000028.backup.zst" ] ],
	[ '... but with -b they go', [ map { ("$_.00000028.backup", "$_.00000028.backup.zst", "$_.00000028.backup.gz") } $older, $same, $newer ], [ '-b', $cutoff ],
		[ map { ("$_.00000028.backup", "$_.00000028.backup.zst", "$_.00000028.backup.gz") } $same, $newer ] ],
	[ '... by the long name', [ "$older.00000028.backup", $older ], [ '--clean-backup-history', $cutoff ], [] ],
	[ '... whatever lies between', [ "$older.backup", "$older.x.backup", "$older.00000028.backup.x", "$older.00000028.BACKUP" ], [ '-b', $cutoff ],
		[ "$older.00000028.backup.x", "$older.00000028.BACKUP" ] ],
	[ '... but not behind further digits', [ "${older}AA.00000028.backup" ], [ '-b', $cutoff ], ["${older}AA.00000028.backup"] ],
	[ '... and -x is stripped first', [ "$older.00000028.backup.foo" ], [ '-b', '-x', '.foo', $cutoff ], [] ],
	[ '24 zeros remove nothing', [ $older, '0' x 24, '0' x 23 . '1' ], ['0' x 24], [ $older, '0' x 24, '0' x 23 . '1' ] ],
	[ 'all suffixes of ours', [ map { ("$older$_", "$older.partial$_", "$newer$_") } '', '.zst', '.lz4', '.gz', '.xz', '.bz2' ], [$cutoff],
		[ map { "$newer$_" } '', '.zst', '.lz4', '.gz', '.xz', '.bz2' ] ],
	[ 'other suffixes are not WAL', [ map { "$older$_" } '.Z', '.zip', '.tmp', '.zst.tmp', '.gz.partial', '.zst.gz', '.', '~', '.zstd' ], [$cutoff],
		[ map { "$older$_" } '.Z', '.zip', '.tmp', '.zst.tmp', '.gz.partial', '.zst.gz', '.', '~', '.zstd' ] ],
	[ '-x adds one', [ "$older.Z", "$older.partial.Z", "$older.zst", $older, "$older.Z.partial" ], [ '-x', '.Z', $cutoff ], ["$older.Z.partial"] ],
	[ '... by the long name', [ "$older.Z" ], [ '--strip-extension=.Z', $cutoff ], [] ],
	[ '... also from the oldest to keep', [ "$older.Z", "$same.Z" ], [ '-x', '.Z', "$cutoff.Z" ], ["$same.Z"] ],
	[ '... the last one counts', [ "$older.Z", "$older.Y" ], [ '-x', '.Z', '-x', '.Y', $cutoff ], ["$older.Z"] ],
	[ 'options may follow', [ $older, "$older.Z" ], [ $cutoff, '-x', '.Z' ], [] ],
	[ '-- ends them', [$older], [ '--', $cutoff ], [] ],
	[ 'names that are not WAL stay', [ lc($older) . 'a', substr($older, 1), "0$older", ".$older", 'x' ], ['F' x 24],
		[ lc($older) . 'a', substr($older, 1), "0$older", ".$older", 'x' ] ],
  )
{
	my ($title, $names, $arguments, $left) = @$case;
	is(cleaned($names, @$arguments), join(' ', sort @$left), $title);
}

for my $suffix ('.zst', '.gz', '.lz4')
{
	refuses("the oldest to keep is a name, not an object: $suffix", { code => 2 }, 'walclean', scratch('suffix'), "$cutoff$suffix");
}

# ---- what is said

{
	my @names = ($older, "$lower.partial.zst", $same, '00000001.history');
	my $directory = fill(scratch('said'), @names);
	my $before = listing($directory);
	for my $option ('-n', '--dry-run')
	{
		my $run = succeeds("$option", 'walclean', $option, $directory, $cutoff);
		is(join(' ', sort(lines($run->{out}))), "$directory/$older $directory/$lower.partial.zst", '... lists what would go on standard output');
		is(listing($directory), $before, '... and removes nothing');
	}
	my $run = run('walclean', '-n', '-d', $directory, $cutoff);
	is(join("\n", sort(lines($run->{err}))), join("\n",
			"walclean: file \"$directory/$older\" would be removed", "walclean: file \"$directory/$lower.partial.zst\" would be removed",
			"walclean: keeping WAL file \"$directory/$cutoff\" and later"), '-d with -n says so on standard error');
	refuses('-n onto a full disk', { code => 6, program => 'walclean', keeps => [$directory] }, 'sh', '-c',
		'exec walclean -n "$@" > /dev/full', 'sh', $directory, $cutoff);
	$run = run('walclean', '--debug', $directory, $cutoff);
	is($run->{out}, '', '-d alone prints nothing on standard output');
	is(join("\n", sort(lines($run->{err}))), join("\n", "walclean: keeping WAL file \"$directory/$cutoff\" and later",
			"walclean: removing file \"$directory/$older\"", "walclean: removing file \"$directory/$lower.partial.zst\""), '... and says what goes');
	is(stored($directory), "00000001.history $same", '... which has gone');
	succeeds('nothing to do', { out => '' }, 'walclean', $directory, $cutoff);
	succeeds('an empty directory', { out => '' }, 'walclean', scratch('said_empty'), $cutoff);
}

# ---- our own archive

{
	my $server = data_directory('server');
	my $archive = scratch('own');
	run('walpush', "--compress=$_->[1]", $archive, put_segment($server, number => $_->[0]))
	  for [ 1, 'zstd' ], [ 2, 'gzip' ], [ 3, 'lz4' ], [ 4, 'none' ], [ 5, 'zstd' ], [ 6, 'zstd' ];
	my $identity = listing("$archive/.waltools");
	succeeds('as an archive_cleanup_command', { cwd => $server }, 'sh', '-c', "walclean $archive " . segment_name(number => 5));
	is(stored($archive), join(' ', map { segment_name(number => $_) . '.zst' } 5, 6), '... what is older has gone');
	is(listing("$archive/.waltools"), $identity, '... and .waltools is as it was');
	is(run({ cwd => $server }, 'walfetch', $archive, segment_name(number => 5), '-')->{code}, 0, '... the rest is there');
	my $other = data_directory('other', sysid => SYSID + 1);
	refuses("a standby does not clean another cluster's archive", { code => 4, cwd => $other, keeps => [$archive] },
		'walclean', $archive, segment_name(number => 6));
}

# ---- failures

{
	my @names = map { segment_name(number => $_) } 1 .. 9;
	my $directory = fill(scratch('stubborn'), @names);
	for my $stubborn (@names[ 2, 5 ])
	{
		unlink "$directory/$stubborn";
		mkdir "$directory/$stubborn";
	}
	symlink '/nonexistent', "$directory/$names[1].gz";
	my $outside = spew(scratch() . '/outside', 'kept');
	symlink $outside, "$directory/$names[1].xz";
	my $run = run('walclean', $directory, $names[8]);
	is($run->{code}, 6, 'two directories have the name of a segment');
	for my $stubborn (@names[ 2, 5 ])
	{
		like($run->{err}, qr/^walclean: error: .*\Q$stubborn\E/m, "... $stubborn is told");
	}
	is(scalar(grep { !/^walclean: error: \S/ } lines($run->{err})), 0, '... in lines of errors');
	is(stored($directory), "$names[2] $names[5] $names[8]", '... and the rest is removed, links included');
	is(slurp($outside), 'kept', '... but not what they point at');
	refuses('several archives are too many', { code => 2, keeps => [$directory] }, 'walclean', $directory, $directory, $names[8]);
}

# The order of the checks, as pg_archivecleanup has it
refuses('nothing at all',                     { code => 2 }, 'walclean');
refuses('no name',                            { code => 2, like => qr/missing/ }, 'walclean', scratch('order') . '/nowhere');
refuses('too many arguments',                 { code => 2, like => qr/too many/ }, 'walclean', scratch('order') . '/nowhere', 'a', 'b');
refuses('a missing directory and a bad name', { code => 3, like => qr/nowhere/ }, 'walclean', scratch('order') . '/nowhere', 'bad');

# ---- durable

SKIP:
{
	can_trace() or skip 'strace can not trace here', 4;
	my $directory = fill(scratch('durable'), map { segment_name(number => $_) } 1 .. 5);
	my $run = traced('unlink,unlinkat,fsync,exit_group', 'walclean', $directory, segment_name(number => 4));
	my @calls = grep { $_->{name} ne 'exited' } @{ $run->{calls} };
	is($run->{code}, 0, 'cleaned under strace');
	is(join(' ', map { $_->{name} } grep { $_->{arguments} =~ /\Q$directory\E/ } @calls), 'unlinkat unlinkat unlinkat fsync',
		'the removals are fsynced before success is told');
	my $failing = fill(scratch('undurable'), segment_name(number => 1));
	$run = injected('fsync:error=EIO', 'walclean', $failing, segment_name(number => 4));
	isnt($run->{code}, 0, '... and without an fsync it is not told');
	is(join("\n", one_error($run, 'walclean', $run->{code})), '', '... but that');
}

# ---- many

{
	my $directory = scratch('many');
	my $first = spew("$directory/" . segment_name(number => 1), '');
	link $first, "$directory/" . segment_name(number => $_) or die "link: $!" for 2 .. 40_000;
	my $run = succeeds('40,000 segments', 'walclean', $directory, segment_name(number => 39_999));
	is(stored($directory), join(' ', map { segment_name(number => $_) } 39_999, 40_000), '... go at once');
}

done_testing;
