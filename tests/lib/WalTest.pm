package WalTest;

# What every Perl test needs: a scratch directory that goes away whatever happens, the programs under test, and a
# way to run them that cannot hang.
#
#   use lib 'tests/lib';                 # prove runs in the repository; or: use lib "$FindBin::Bin/../lib";
#   use Test::More;
#   use WalTest;
#   my $archive = scratch('archive');
#   my $run = run('walpush', $archive, $segment);
#   is($run->{code}, 0, 'pushed') or diag($run->{err});
#
# TEST_BIN names the directory of the programs under test (build/bin of the repository when unset).

use strict;
use warnings;

use Cwd qw(abs_path);
use Errno qw(EINTR);
use Exporter qw(import);
use File::Basename qw(dirname);
use File::Temp ();
use POSIX ();
use Time::HiRes ();

our @EXPORT = qw(repository scratch program run slurp spew wait_until late);

my $repository = abs_path(dirname(__FILE__) . '/../..');
my $programs   = abs_path($ENV{TEST_BIN} // "$repository/build/bin") // $ENV{TEST_BIN} // "$repository/build/bin";
my $owner      = $$;
my $scratch = delete $ENV{TEST_SCRATCH};    # made already by the root that this test was started by (PgStage)
my %running;    # process groups that run() waits for

$ENV{PATH}   = "$programs:$ENV{PATH}";
$ENV{LC_ALL} = 'C';
delete $ENV{$_} for grep { /^(?:WALTOOLS_|PG(?!_TEST))/ } keys %ENV;

# END blocks clean up; a signal must reach them. The exit code is the shell's for that signal.
$SIG{$_} = \&stopped for qw(INT TERM HUP);

sub stopped
{
	my ($signal) = @_;
	my %number = (HUP => 1, INT => 2, TERM => 15);
	$SIG{$signal} = 'IGNORE';
	POSIX::_exit(128 + $number{$signal}) if $$ != $owner;
	print STDERR "# stopped by SIG$signal\n";
	exit 128 + $number{$signal};
}

END
{
	if ($$ == $owner)
	{
		kill 'KILL', -$_ for keys %running;
		remove_scratch();
	}
}

# The repository's root, or the copy that the test runs in (see PgTest).
sub repository { return $repository }

# A path in this test's own directory; the directory that it names is created. Without a name: the directory itself.
sub scratch
{
	my ($name) = @_;
	$scratch //= File::Temp::tempdir('waltest.XXXXXX', TMPDIR => 1, CLEANUP => 0);
	return $scratch unless defined $name;
	my $path = '';
	for my $part (split m{/}, "$scratch/$name")
	{
		$path .= "$part/";
		mkdir $path or $!{EEXIST} or die "mkdir $path: $!";
	}
	return "$scratch/$name";
}

# rm is used, and after a chmod, since a test may leave directories that nobody can write to.
sub remove_scratch
{
	return unless defined $scratch && -d $scratch;
	local $?;
	chdir '/';
	system('rm', '-rf', '--', $scratch) == 0
	  or system("chmod -R u+rwX -- '$scratch' && rm -rf -- '$scratch'");
	return;
}

# The path of one of the programs under test, or of the tests' own in the directory `tests` beside theirs. A test without its
# program is a failure, not a skip.
sub program
{
	my ($name) = @_;
	my ($path) = grep { -x } "$programs/$name", "$programs/../tests/$name";
	return $path // die "$programs/$name is not there: run make, or set TEST_BIN\n";
}

# Runs a command and waits for it. The first argument may be a hash of options:
#   stdin => STRING, cwd => DIRECTORY, env => { NAME => VALUE, or undef to unset }, umask => MODE,
#   timeout => SECONDS (120), before => CODE (called in the child before it becomes the command)
# Returns { code, signal, out, err, timed_out, seconds }. A command that runs into the timeout is killed with its
# process group. Commands are looked for among the programs under test first. Output goes through files, so
# that a process which the command leaves behind cannot hold up the test.
sub run
{
	my %option  = ref $_[0] eq 'HASH' ? %{ shift() } : ();
	my @command = @_;
	my $dir     = scratch();
	my %file    = map { $_ => File::Temp->new(DIR => $dir, TEMPLATE => ".$_.XXXXXX") } qw(in out err);
	print { $file{in} } $option{stdin} // '';
	$file{in}->flush;
	seek $file{in}, 0, 0;

	my $started = Time::HiRes::time();
	my $pid     = fork() // die "fork: $!";
	become(\%option, \%file, @command) if $pid == 0;
	POSIX::setpgid($pid, $pid);    # both sides do it: whoever comes first
	my ($status, $timed_out) = wait_for($pid, $option{timeout} // 120);

	return {
		code      => $status >> 8,
		signal    => $status & 127,
		out       => slurp($file{out}->filename),
		err       => slurp($file{err}->filename),
		timed_out => $timed_out,
		seconds   => Time::HiRes::time() - $started,
	};
}

# The child's half of run().
sub become
{
	my ($option, $file, @command) = @_;
	POSIX::setpgid(0, 0);
	$SIG{$_} = 'DEFAULT' for qw(INT TERM HUP ALRM PIPE);
	my %env = %{ $option->{env} // {} };
	for my $name (keys %env)
	{
		defined $env{$name} ? ($ENV{$name} = $env{$name}) : delete $ENV{$name};
	}
	POSIX::dup2(fileno $file->{in},  0);
	POSIX::dup2(fileno $file->{out}, 1);
	POSIX::dup2(fileno $file->{err}, 2);
	umask $option->{umask} if defined $option->{umask};
	if (defined $option->{cwd} && !chdir $option->{cwd})
	{
		POSIX::write(2, "chdir $option->{cwd}: $!\n", length "chdir $option->{cwd}: $!\n");
		POSIX::_exit(127);
	}
	$option->{before}->() if $option->{before};
	no warnings 'exec';
	exec { $command[0] } @command;
	POSIX::write(2, "$command[0]: $!\n", length "$command[0]: $!\n");
	POSIX::_exit(127);
}

# Waits for a child; kills its process group when the time is up. Returns the wait status and whether it was killed.
sub wait_for
{
	my ($pid, $timeout) = @_;
	my $timed_out = 0;
	$running{$pid} = 1;
	local $SIG{ALRM} = sub { $timed_out = 1; kill 'KILL', -$pid, $pid };
	Time::HiRes::setitimer(Time::HiRes::ITIMER_REAL(), $timeout, 1);    # again each second: a signal may come too early
	my $got;
	do { $got = waitpid $pid, 0 } while $got < 0 && $! == EINTR;
	my $status = $?;
	Time::HiRes::setitimer(Time::HiRes::ITIMER_REAL(), 0);
	delete $running{$pid};
	die "waitpid $pid: $!" if $got < 0;
	return ($status, $timed_out);
}

# Has a run taken longer than so many seconds? What that is to find is a program that hangs, not a machine that is busy with other
# tests: it is given four times as long.
sub late
{
	my ($run, $seconds) = @_;
	return $run->{seconds} > 4 * $seconds ? 1 : 0;
}

# The content of a file, as bytes.
sub slurp
{
	my ($path) = @_;
	open my $in, '<:raw', $path or die "$path: $!";
	local $/;
	my $content = <$in>;
	return $content // '';
}

# Writes a file, as bytes. Returns the path.
sub spew
{
	my ($path, @content) = @_;
	open my $out, '>:raw', $path or die "$path: $!";
	print {$out} @content or die "$path: $!";
	close $out or die "$path: $!";
	return $path;
}

# Asks until the condition holds; returns what it returned, or nothing after so many seconds (150).
#   wait_until { -e $file } 10 or fail('no file');
sub wait_until (&;$)
{
	my ($condition, $timeout) = @_;
	my $deadline = Time::HiRes::time() + ($timeout // 150);
	my $pause    = 0.005;
	while (1)
	{
		my $answer = $condition->();
		return $answer if $answer;
		return if Time::HiRes::time() > $deadline;
		Time::HiRes::sleep($pause);
		$pause *= 1.5 if $pause < 0.05;
	}
}

1;
