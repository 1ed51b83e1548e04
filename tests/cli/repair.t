# walpush --repair: what one of several archives lacks comes from another, checked; nothing is overwritten.

use FindBin;
use lib "$FindBin::Bin/../lib";
use CliTest;
use POSIX ();
use WalRace;

my $server = data_directory('server');
my $rounds = 0;

# Two archives that have their identity and nothing else, and options for run() with a section [main] that names them.
sub pair
{
	my ($one, $two) = map { scratch("round$rounds/$_") } qw(one two);
	my %option = (env => { WALTOOLS_CONFIG => spew(scratch() . '/conf.' . $rounds++, "[main]\narchive = $one\narchive = $two\n") });
	my $run = run({ %option, cwd => $server }, 'walpush', '--init', 'main');
	die $run->{err} if $run->{code};
	return ($one, $two, \%option);
}

sub name_of { return (split m{/}, $_[0])[-1] }

sub push_to
{
	my ($archive, @files) = @_;
	my $run = run('walpush', $archive, @files);
	die $run->{err} if $run->{code};
	return;
}

sub label_of
{
	my ($path) = @_;
	my ($label) = slurp($path) =~ /(name=.*?)^crc32=/ms;
	return { $label =~ /^([\w-]+)=(.*)$/mg };
}

sub damage
{
	my ($path) = @_;
	my $bytes = slurp($path);
	vec($bytes, 8 * (length($bytes) - 60), 1) ^= 1;
	unlink $path;
	return spew($path, $bytes);
}

sub whole
{
	my ($archive, @files) = @_;
	my @wrong = grep { my $run = run('walfetch', $archive, name_of($_), '-'); $run->{code} != 0 || $run->{out} ne slurp($_) } @files;
	return join ' ', map { name_of($_) } @wrong;
}

my @files = ((map { put_segment($server, number => $_, seed => $_) } 1 .. 9), put($server, '00000002.history', history_text([ 1, 9 * MB + 64 ])),
	put($server, backup_name(number => 2), backup_text(number => 2)),
	put_segment($server, number => 9, suffix => '.partial', end => 'stale', seed => 9));

# ---- both ways

{
	my ($one, $two, $main) = pair();
	push_to($one, @files[ 0 .. 4, 9 ]);
	push_to($two, @files[ 2 .. 8, 10, 11 ]);
	my ($first) = glob "$one/" . name_of($files[0]) . '*';
	my $was = label_of($first);
	my $pushed = time;
	wait_until { time > $pushed + 1 };    # so that a new label would have another time
	my $before = join '', map { listing($_) } $one, $two;
	my $run = run($main, 'walpush', '--repair', '-n', 'main');
	is($run->{code}, 0, 'a dry run');
	is($run->{out}, join('', map { "$_\n" } map { "$_->[0] from $_->[1] to $_->[2]" } sort { $a->[0] cmp $b->[0] }
		(map { [ name_of($_), $one, $two ] } @files[ 0, 1, 9 ]), map { [ name_of($_), $two, $one ] } @files[ 5 .. 8, 10, 11 ]),
		'... tells what would be copied');
	is(join('', map { listing($_) } $one, $two), $before, '... and does nothing');
	$run = run($main, 'walpush', '--repair', '-v', 'main');
	is($run->{code}, 0, 'a repair') or diag($run->{err});
	is(scalar(() = $run->{err} =~ /^walpush: copied /mg), 9, '... tells each with -v');
	like($run->{err}, qr/^walpush: 9 copies made, [\d.]+ MiB$/m, '... and a sum');
	is(stored($one), stored($two), '... both have the same');
	is(whole($_, @files), '', '... all whole') for $one, $two;
	my $is = label_of("$two/" . name_of($first));
	ok($was->{time}, "a label tells a time");
	is_deeply($is, $was, "a copy's label is the original's, its time too");
	$run = run($main, 'walpush', '--repair', 'main');
	ok($run->{code} == 0 && $run->{err} eq "walpush: 0 copies made, 0 B\n", 'again: nothing to do') or diag($run->{err});
	is(leftovers($_), '', 'nothing is left behind') for $one, $two;
}

# ---- damage

{
	my ($one, $two, $main) = pair();
	push_to($one, @files[ 0 .. 2 ]);
	push_to($two, @files[ 1 .. 2 ]);
	my ($source) = glob "$one/" . name_of($files[0]) . '*';
	damage($source);
	my $third = scratch('third');
	my $run = run($main, 'walpush', '--repair', 'main');
	is($run->{code}, 5, 'the only copy is damaged');
	like($run->{err}, qr/\Awalpush: error: \Q$one\E: [^\n]+damaged[^\n]+\nwalpush: error: 1 file could not be copied\n\z/, '... which is told') or diag($run->{err});
	unlike(stored($two), qr/^@{[ name_of($files[0]) ]}/, '... and it is not copied');
	my %three = (env => { WALTOOLS_CONFIG => spew(scratch() . '/three', map { "$_\n" } '[main]', map { "archive = $_" } $one, $two, $third) });
	push_to($third, $files[0]);
	$run = run(\%three, 'walpush', '--repair', 'main');
	is($run->{code}, 0, 'a third archive has it whole') or diag($run->{err});
	like($run->{err}, qr/warning: \Q$one\E: [^\n]+damaged[^\n]+move that object away/, '... what is to be done about the first is said');
	is(whole($two, $files[0]), '', '... the second gets it from there');
	is(whole($one, $files[0]), name_of($files[0]), '... the damaged one is not overwritten');
	unlink $source;
	$run = run(\%three, 'walpush', '--repair', 'main');
	is(whole($one, $files[0]), '', 'moved away, it is brought anew');
}

# ---- who may be in it

{
	my ($one, $two, $main) = pair();
	push_to($one, @files[ 0, 1 ]);
	my $other = data_directory('other', sysid => SYSID + 1);
	my $strange = scratch('strange');
	push_to($strange, put_segment($other, number => 4, sysid => SYSID + 1));
	my $section = 0;
	my $with = sub { return env => { WALTOOLS_CONFIG => spew(scratch() . '/with' . $section++, map { "$_\n" } '[main]', map { "archive = $_" } @_) } };
	my @kept = (keeps => [ $one, $strange ]);
	refuses("another cluster's", { $with->($one, $strange), @kept, code => 4, like => qr/\Q$strange\E.*belongs to.*@{[ SYSID + 1 ]}/ }, 'walpush', '--repair', 'main');
	refuses('one that is empty', { $with->($one, scratch('empty')), @kept, code => 3, like => qr/empty.*--init/ }, 'walpush', '--repair', 'main');
	refuses('one that is away', { $with->($one, "$two.away"), @kept, code => 3, like => qr/\Q$two\E/ }, 'walpush', '--repair', 'main');
	refuses('one archive', { $with->($one), @kept, code => 2, like => qr/2 to/ }, 'walpush', '--repair', 'main');
	refuses('a file', { $with->($one, $two), @kept, code => 2, like => qr/too much/ }, 'walpush', '--repair', 'main', $files[0]);
	refuses('--init', { $with->($one, $two), @kept, code => 2 }, 'walpush', '--repair', '--init', 'main');
	refuses('-n without --repair', { $with->($one, $two), @kept, code => 2 }, 'walpush', '-n', 'main', $files[0]);

	my $plain = scratch('plain');
	spew("$plain/" . name_of($_), slurp($_)) for @files[ 1 .. 3 ];
	mkdir "$plain/sub";
	my $before = listing($plain);
	my $run = run({ $with->($plain, $one) }, 'walpush', '--repair', '-v', 'main');
	is($run->{code}, 0, 'one that cp has filled') or diag($run->{err});
	is(whole($one, @files[ 0 .. 3 ]), '', '... is copied from');
	is(listing($plain), $before, '... and not written to');
}

# ---- two servers on one timeline

{
	my ($one, $two, $main) = pair();
	my @second = map { put_segment($server, number => $_, timeline => 2, seed => 20 + $_) } 9 .. 11;
	push_to($one, $files[0], $files[9], @second[ 0, 1 ]);
	push_to($two, $files[1]);
	my $other = data_directory('clone');
	push_to($two, put($other, '00000002.history', history_text([ 1, 8 * MB + 64 ])),
		put_segment($other, number => 11, timeline => 2, seed => 77));
	my $run = run($main, 'walpush', '--repair', 'main');
	is($run->{code}, 4, 'two servers have used a timeline');
	like($run->{err}, qr/00000002\.history[^\n]*other content/, '... which is told');
	unlike(stored($two), qr/000000020000000000000009/, '... nothing of it is copied');
	is(whole($two, $files[0]), '', '... all else is');
}

{
	my ($one, $two, $main) = pair();
	push_to($one, @files[ 0 .. 4 ]);
	my $clone = data_directory('twin');
	push_to($two, put_segment($clone, number => 5, seed => 55), put_segment($clone, number => 6, seed => 66));
	my $before = join '', map { stored($_) } $one, $two;
	my $run = run($main, 'walpush', '--repair', 'main');
	is($run->{code}, 4, 'two servers on the first timeline, which has no history');
	like($run->{err}, qr/000000010000000000000005[^\n]*other content/, '... show in the last segment that both have');
	is(join('', map { stored($_) } $one, $two), $before, '... nothing is copied');
}

# ---- an archive that hangs: what was on its way goes with the process that hung

# The processes that it has started, and those that these have.
sub descendants
{
	my ($pid) = @_;
	my $list = "/proc/$pid/task/$pid/children";
	return map { ($_, descendants($_)) } -e $list ? split ' ', slurp($list) : ();
}

{
	my ($one, $two, $option) = pair();
	my $temporary = scratch('temporary');
	push_to($one, map { put_segment($server, number => $_) } 301 .. 330);
	my $pid = fork // die "fork: $!";
	if ($pid == 0)
	{
		open STDERR, '>', '/dev/null';
		@ENV{qw(WALTOOLS_CONFIG TMPDIR)} = ($option->{env}{WALTOOLS_CONFIG}, $temporary);
		exec 'walpush', '--repair', '--jobs=1', '--timeout=1s', 'main' or POSIX::_exit(127);
	}
	wait_until { glob "$temporary/*/*" } or fail('nothing is on its way');
	kill 'STOP', (descendants($pid))[-1];
	waitpid $pid, 0;
	is($? >> 8, 3, 'a process that stands still is given up');
	is(join(' ', glob "$temporary/*"), '', '... and leaves nothing in TMPDIR');
}

# ---- an archive that is unmounted while something is on its way to it

SKIP:
{
	can_trace() or skip 'strace can not trace here', 2;
	my ($one, $two, $option) = pair();
	push_to($one, @files[ 0 .. 2 ]);
	my $stopped = stopped_at('renameat', 'env', "WALTOOLS_CONFIG=$option->{env}{WALTOOLS_CONFIG}", 'walpush', '--repair', '--jobs=1', 'main');
	rename $two, "$two.away" or die $!;
	mkdir $two or die $!;
	my $run = $stopped->go_on;
	is(join("\n", one_error($run, 'walpush', 3, qr/\Q$two\E: it is no longer the archive of cluster \d+: is it mounted/)), '', 'it is seen')
	  or diag($run->{err});
	is(join(' ', glob "$two/* $two/.w*"), '', '... and nothing is put where it was');
}

# ---- many names: more than are compared at once

SKIP:
{
	my ($one, $two, $main) = pair();
	my ($count, $lacks) = (52_000, 51_003);
	for my $number (grep { $_ != $lacks } 0 .. $count - 1)
	{
		my $name = sprintf '%08X%08X%08X.zst', 1, $number >> 8, $number & 255;
		open my $out, '>', "$one/$name" or die $!;
		$number < 50_990 or open $out, '>', "$two/$name" or die $!;
	}
	spew("$two/" . segment_name(number => $lacks, size => 16 * MB) . '.lz4', '');
	my ($kb, $code) = peak_kb('env', "WALTOOLS_CONFIG=$main->{env}{WALTOOLS_CONFIG}", 'walpush', '--repair', '-n', 'main');
	skip 'the kernel is not asked here', 2 unless defined $kb;
	is($code, 0, 'many names');
	cmp_ok($kb, '<', 64 * 1024, '... in bounded memory');
	my @planned = lines(run($main, 'walpush', '--repair', '-n', 'main')->{out});
	is(scalar(@planned), 50_991, '... each that one of them lacks, and no other');
	is($planned[-1], segment_name(number => $lacks, size => 16 * MB) . " from $two to $one", '... in order');
}

done_testing;
