# Several archives in one section: what must have it before a push is done, and where a file comes from when some of them
# are away, hang, lack it, or have it damaged.

use FindBin;
use lib "$FindBin::Bin/../lib";
use CliTest;
use IO::Socket::INET;

my $server = data_directory('server');
my $other  = data_directory('other', sysid => SYSID + 1);
my $number = 0;
my $configuration = 0;

# A configuration file with these lines; for run().
sub configured
{
	my (@lines) = @_;
	my $file = spew(scratch() . '/conf.' . ++$configuration, map { "$_\n" } @lines);
	return (env => { WALTOOLS_CONFIG => $file });
}

sub section { my (@archives) = @_; return ('[main]', map { "archive = $_" } @archives) }

sub next_segment { return put_segment($server, number => ++$number, seed => $number) }

sub name_of { return (split m{/}, $_[0])[-1] }

sub has
{
	my ($archive, $file) = @_;
	return scalar grep { index($_, name_of($file) . '.') == 0 } split / /, stored($archive);
}

# Two archives that have their identity.
sub pair
{
	my @pair = map { scratch($_) } @_;
	my $run = run({ configured(section(@pair)) }, 'walpush', 'main', next_segment());
	die $run->{err} if $run->{code};
	return @pair;
}

sub away (&$)
{
	my ($do, $archive) = @_;
	rename $archive, "$archive.away" or die $!;
	my $result = eval { $do->() };
	rename "$archive.away", $archive or die $!;
	return $result // die $@;
}

sub damage
{
	my ($archive, $file) = @_;
	my ($path) = glob "$archive/" . name_of($file) . '*';
	my $bytes = slurp($path);
	vec($bytes, 8 * (length($bytes) - 60), 1) ^= 1;
	unlink $path;
	spew($path, $bytes);
	return;
}

my ($one, $two) = pair('one', 'two');
my @main = configured(section($one, $two));
my $to = scratch('to');

# ---- settings

{
	my $file = next_segment();
	my %lz4 = configured('compress = gzip', '[main]', "archive = $one", 'archive = far', 'compress = none', '[far]', "archive = $two", 'compress = lz4');
	succeeds('a section that names a location and a section', \%lz4, 'walpush', 'main', $file);
	ok(-e "$one/" . name_of($file), '... the list\'s own settings hold for the location');
	ok(-e "$two/" . name_of($file) . '.lz4', '... and the section\'s for the other');
	my $alone = next_segment();
	succeeds('a section that names one section', { configured('compress = none', '[main]', 'archive = far', '[far]', "archive = $two", 'compress = lz4') },
		'walpush', 'main', $alone);
	ok(-e "$two/" . name_of($alone) . '.lz4', '... has its settings');
	succeeds('the command line wins over both', { %lz4 }, 'walpush', '--compress=zstd', 'main', my $zstd = next_segment());
	ok(-e "$two/" . name_of($zstd) . '.zst', '... it does');
	my @wrong = (
		[ 'a list in a list', qr/\[far\].*one/, section('far', $one), '[far]', "archive = $two", "archive = $to" ],
		[ 'a section that names a section that names a section', qr/\[far\]/, section('far', $one), '[far]', 'archive = third', '[third]', "archive = $two" ],
		[ 'a loop', qr/\[main\]/, section('main', $one) ],
		[ 'a section that is not there', qr/nowhere.*neither/, section('nowhere', $one) ],
		[ 'one archive twice', qr/\Q$one\E twice/, section($one, $two, $one) ],
		(map { [ "one place twice, as $_", qr/one place twice: \Q$one and $_\E/, section($one, $_) ] } "$one/", "file://$one", "$one//.", "/.$one"),
		[ 'one place twice, by two sections', qr/one place twice: \Q$two and $two\E/, section('far', 'near'), map { ("[$_]", "archive = $two") } qw(far near) ],
		[ 'more required than there are', qr/3 archives.*only 2/, 'require = 3', section($one, $two) ],
		[ 'none required', qr/neither all, any nor/, 'require = 0', section($one, $two) ],
		[ 'a word that is none', qr/neither all, any nor/, 'require = some', section($one, $two) ],
	);
	for my $wrong (@wrong)
	{
		my ($what, $like, @lines) = @$wrong;
		refuses($what, { configured(@lines), code => 2, like => $like, keeps => [ $one, $two ] }, 'walpush', 'main', next_segment());
	}
	refuses('two required of one', { code => 2 }, 'walpush', '--require=2', $one, next_segment());
	succeeds('any of one', 'walpush', '--require=any', $one, next_segment());
}

# ---- pushing

{
	my $file = next_segment();
	succeeds('a push to two', {@main}, 'walpush', 'main', $file);
	ok(has($one, $file) && has($two, $file), '... goes into both');
	succeeds('the same again', {@main}, 'walpush', 'main', $file);

	my $second = next_segment();
	my $run = away { refuses('one is away', { @main, code => 3, like => qr/\Q$two\E: / }, 'walpush', 'main', $second) } $two;
	ok(has($one, $second) && !has($two, $second), '... the other has it');
	$run = run({@main}, 'walpush', '-v', 'main', $second);
	is($run->{code}, 0, '... and when it is back, the repeated push succeeds');
	like($run->{err}, qr/is already archived/, '... one has it already');
	like($run->{err}, qr/archived \w+\.zst\n/, '... the other gets it');

	for my $require ('any', 1)
	{
		my $third = next_segment();
		$run = away { run({@main}, 'walpush', "--require=$require", 'main', $third) } $one;
		is($run->{code}, 0, "one is away and --require=$require");
		like($run->{err}, qr/\Awalpush: warning: [^\n]*\Q$one\E[^\n]*mounted[^\n]*\n\z/, '... a warning says which and why');
		ok(has($two, $third), '... the other has it');
	}
	my $three = scratch('three');
	my @three = configured('require = 2', section($one, $two, $three));
	succeeds('--init of all', { @three, cwd => $server }, 'walpush', '--init', 'main');
	my $fourth = next_segment();
	is((away { run({@three}, 'walpush', 'main', $fourth) } $three)->{code}, 0, 'two of three, as the file says');
	rename $three, "$three.away";
	$run = away { run({@three}, 'walpush', 'main', next_segment()) } $two;
	rename "$three.away", $three;
	is($run->{code}, 3, 'one of three is not enough');
	is(scalar(lines($run->{err})), 2, '... a line for each that has it not') or diag($run->{err});
}

{
	my $file = next_segment();
	put($other, name_of($file), segment(number => $number, sysid => SYSID + 1));
	my $strange = scratch('strange');
	run('walpush', $strange, put_segment($other, number => 1, sysid => SYSID + 1))->{code} == 0 or die;
	my @mixed = configured(section($strange, "$strange.away", $one));
	my $run = run({@mixed}, 'walpush', 'main', $file);
	is($run->{code}, 4, 'what is refused weighs more than what is away');
	like($run->{err}, qr/\Awalpush: error: \Q$strange\E\.away: [^\n]+\nwalpush: error: \Q$strange\E: [^\n]+\n\z/, '... and both are told') or diag($run->{err});
	ok(has($one, $file), '... and the third has it');
}

SKIP:
{
	skip 'no file system can be mounted here', 2 unless can_mount();
	my $full = scratch('full');
	my $file = put_segment($server, number => ++$number, variety => 1400, size => 4 * MB);
	my @mixed = configured(section($full, $one));
	my $run = mounted_run('mount -t tmpfs -o size=200k tmpfs "$1"; export WALTOOLS_CONFIG="$2"; walpush --init --require=1 main "$3"; walpush main "$3"',
		$full, { @mixed }->{env}{WALTOOLS_CONFIG}, $file);
	is($run->{code}, 6, 'one is full') or diag($run->{err});
	like($run->{err}, qr/warning: [^\n]*\Q$full\E: [^\n]+No space[^\n]*\n.*error: \Q$full\E/s, '... which is a warning or an error, as required');
}

# ---- fetching

sub fetch
{
	my ($title, $file, $code, $like, @options) = @_;
	my $run = run({@main}, 'walfetch', @options, 'main', name_of($file), "$to/out");
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my $right = -e "$to/out" ? -e $file && slurp("$to/out") eq slurp($file) : $code != 0;
	ok($run->{code} == $code && $right && $run->{err} =~ $like, $title) or diag("code $run->{code}, $run->{err}");
	unlink "$to/out";
	return $run;
}

my $quiet = qr/\A\z/;

{
	my $file = next_segment();
	run({@main}, 'walpush', 'main', $file)->{code} == 0 or die;
	fetch('both have it', $file, 0, $quiet);
	away { fetch('the first is away', $file, 0, qr/\Awalfetch: warning: \Q$one\E: [^\n]*mounted[^\n]*from \Q$two\E\n\z/) } $one;
	away { fetch('the second is away', $file, 0, $quiet) } $two;
	unlink glob "$one/" . name_of($file) . '*';
	fetch('the first does not have it, and nothing of later', $file, 0, $quiet);

	my $later = next_segment();
	run({@main}, 'walpush', 'main', $later)->{code} == 0 or die;
	fetch('the first has a hole', $file, 0, qr/\Awalfetch: warning: \Q$one\E: [^\n]*hole[^\n]*from \Q$two\E\n\z/);
	away { fetch('a hole and one that is away', $file, 3, qr/hole.*\Q$two\E/) } $two;
	damage($one, $later);
	fetch('the first is damaged', $later, 0, qr/\Awalfetch: warning: \Q$one\E: [^\n]*damaged[^\n]*from \Q$two\E\n\z/);
	away { fetch('damaged and away', $later, 3, qr/damaged.*\Q$two\E/) } $two;
	damage($two, $later);
	fetch('both are damaged', $later, 5, qr/\Q$one\E.*damaged.*\Q$two\E.*damaged/);
	unlink glob "$two/" . name_of($later) . '*';
	fetch('damaged and absent', $later, 5, qr/damaged.*\Q$two\E.*not in the archive/);
	my $run = run({@main}, 'walfetch', 'main', name_of($file), '-');
	ok($run->{code} == 0 && $run->{out} eq slurp($file), 'to standard output');
}

{
	my $absent = segment_name(number => 4000);
	my $run = fetch('absent in both', "x/$absent", 1, qr/\Awalfetch: error: |\A\z/);
	away { fetch('absent in the first, the second away', "x/$absent", 3, qr/\Q$two\E/) } $two;
	away { fetch('absent in the second, the first away', "x/$absent", 3, qr/\Q$one\E/) } $one;
	my $empty = scratch('empty');
	my %with_empty = configured(section($one, $empty));
	$run = run(\%with_empty, 'walfetch', 'main', $absent, "$to/out");
	is($run->{code}, 3, 'one that is empty has proved nothing');
	my $strange = scratch('strange');
	$run = run({ configured(section($one, $strange)), cwd => $server }, 'walfetch', 'main', $absent, "$to/out");
	is($run->{code}, 4, "nor has another cluster's");
	is(run({@main}, 'walfetch', 'main', '00000001.history', "$to/out")->{code}, 1, 'what never exists is absent without asking');
	is((away { run({@main}, 'walfetch', 'main', '00000001.history', "$to/out") } $one)->{code}, 1, '... also when one is away');
	spew("$server/recovery.signal", '');
	$run = away { run({ @main, cwd => $server }, 'walfetch', '--timeout=500ms', 'main', $absent, 'pg_wal/RECOVERYXLOG') } $two;
	is($run->{code}, 254, 'in a recovery, what is not proved stops the server');
	unlink "$server/recovery.signal";
}

# ---- one that does not answer: who listens but never speaks

{
	my $deaf = IO::Socket::INET->new(Listen => 50, LocalAddr => '127.0.0.1') or die $!;
	my $silent = 'rsync://127.0.0.1:' . $deaf->sockport . '/wal/main';
	my $file = next_segment();
	run({@main}, 'walpush', 'main', $file)->{code} == 0 or die;
	my @silent = configured('timeout = 30s', section($silent, $two));
	my $run = run({@silent}, 'walfetch', 'main', name_of($file), "$to/out");
	ok($run->{code} == 0 && slurp("$to/out") eq slurp($file), 'the first is silent, the second has it') or diag($run->{err});
	like($run->{err}, qr/\Awalfetch: warning: \Q$silent\E has not answered for [\d.]+ seconds; took \S+ from \Q$two\E\n\z/, '... it says so');
	cmp_ok($run->{seconds}, '<', 10, '... and does not wait for it');
	$run = run({@silent}, 'walfetch', 'main', name_of($file), "$to/out");
	like($run->{err}, qr/warning: \Q$silent\E did not answer a moment ago/, 'the next one does not ask it');
	ok(!late($run, 1.9), '... and does not wait at all') or diag("it took $run->{seconds} s");
	$run = run({@silent}, 'walfetch', '--timeout=3s', 'main', segment_name(number => 4000), "$to/out");
	is($run->{code}, 3, 'absent in one and silence is not absence') or diag($run->{err});
	ok(!-e "$to/.walfetch-" && !glob("$to/.walfetch-*"), 'nothing is left beside the destination');
	$run = run({@silent}, 'walpush', '--timeout=1s', '--require=any', 'main', my $next = next_segment());
	is($run->{code}, 0, 'a push that one does not answer');
	like($run->{err}, qr/warning: [^\n]*\Q$silent\E/, '... is done when one is enough');
	ok(has($two, $next), '... which has it');
}

# One that hangs in the kernel, as NFS without its server: a traced process whose system call takes its time.
SKIP:
{
	my $file = next_segment();
	run({@main}, 'walpush', 'main', $file)->{code} == 0 or die;
	my $traced = run({@main}, 'strace', '-f', '-o', scratch() . '/trace', '-P', $one, '-e', 'inject=openat:delay_enter=5000000',
		'sh', '-c', 'walfetch "$@" && date +%s.%N', 'sh', 'main', name_of($file), "$to/out");
	skip 'strace can not delay here', 2 if $traced->{err} =~ /strace:.*inject|ptrace/ || $traced->{code} == 127;
	is($traced->{code}, 0, 'the first hangs in the kernel') or diag($traced->{err});
	like($traced->{err}, qr/warning: \Q$one\E has not answered/, '... the second has it');
}

# ---- cleaning

{
	my ($left, $right) = pair('left', 'right');
	my @both = configured(section($left, $right));
	my @files = map { next_segment() } 1 .. 3;
	run({@both}, 'walpush', 'main', @files)->{code} == 0 or die;
	my $run = run({@both}, 'walclean', '-n', 'main', name_of($files[2]));
	is(join(' ', map { m{^(.*)/} ? $1 : '?' } lines($run->{out})), join(' ', ($left) x 3, ($right) x 3), 'a dry run tells of each in turn');
	$run = away { run({@both}, 'walclean', 'main', name_of($files[1])) } $left;
	is($run->{code}, 3, 'one is away');
	like($run->{err}, qr/\Awalclean: error: \Q$left\E: [^\n]+\n\z/, '... which is told');
	ok(has($left, $files[0]) && !has($right, $files[0]), '... the other is cleaned');
	succeeds('when it is back', {@both}, 'walclean', 'main', name_of($files[2]));
	is(stored($left), stored($right), '... both are');
}

done_testing;
