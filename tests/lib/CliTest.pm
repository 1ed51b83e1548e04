package CliTest;

# What the tests of the built programs share: one line of verdict for "succeeds quietly" and for "fails with one clear
# line and changes nothing". Brings WalTest, WalSegment and Test::More along.
#
#   use CliTest;
#   succeeds('pushed', 'walpush', $archive, $segment);
#   refuses('another cluster', { code => 4, like => qr/belongs to/, keeps => [$archive] }, 'walpush', $archive, $other);

use strict;
use warnings;

use Digest::SHA ();
use File::Basename qw(basename);
use File::Find ();
use POSIX ();
use Test::More;
use WalSegment;
use WalTest;

my @own = qw(succeeds refuses one_error listing stored leftovers new_archive unprivileged can_mount mounted_run peak_kb children_seconds note_seed
  lines);

sub import
{
	my $caller = caller;
	strict->import;
	warnings->import;
	no strict 'refs';
	*{"${caller}::$_"} = \&{"CliTest::$_"} for @own;
	for my $package (qw(WalTest WalSegment))
	{
		*{"${caller}::$_"} = \&{"${package}::$_"} for @{"${package}::EXPORT"};
	}
	eval "package $caller; use Test::More; 1" or die $@;
	return;
}

# No test may meet the configuration of whoever runs it.
$ENV{HOME} = scratch('home');

# ---- verdicts

# Exit code 0 and nothing on standard error. A hash first: options of run(), and out => what standard output must be.
# Returns what run() does.
sub succeeds
{
	my ($title, @command) = @_;
	my $option = ref $command[0] eq 'HASH' ? shift @command : {};
	my $run = run($option, @command);
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my $ok = $run->{code} == 0 && $run->{signal} == 0 && $run->{err} eq '';
	$ok &&= $run->{out} eq $option->{out} if defined $option->{out};
	ok($ok, $title) or diag(told($run, @command));
	return $run;
}

# Fails with the exit code and exactly one line on standard error, "PROGRAM: error: ...". Options besides those of run():
#   code => NUMBER, like => REGEX, keeps => [DIRECTORIES that must stay as they are], program => NAME (the command's)
sub refuses
{
	my ($title, $option, @command) = @_;
	my @before = map { listing($_) } @{ $option->{keeps} // [] };
	my $run = run($option, @command);
	my @after = map { listing($_) } @{ $option->{keeps} // [] };
	my @wrong = one_error($run, $option->{program} // basename($command[0]), $option->{code}, $option->{like});
	push @wrong, map { changes($before[$_], $after[$_]) } grep { $before[$_] ne $after[$_] } 0 .. $#before;
	push @wrong, 'output on standard output' if $run->{out} ne '';
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	ok(!@wrong, $title) or diag(join "\n", @wrong, told($run, @command));
	return $run;
}

# What is wrong with how a program failed; nothing when all is as it should be.
sub one_error
{
	my ($run, $program, $code, $like) = @_;
	my @wrong;
	push @wrong, "exit code $run->{code} (signal $run->{signal}) instead of $code"
	  if $run->{code} != $code || $run->{signal} != 0;
	push @wrong, 'not one line on standard error that begins with "' . "$program: error: " . '"'
	  if $run->{err} !~ /\A\Q$program\E: error: [^\n]+\n\z/;
	push @wrong, "the message does not match $like" if $like && $run->{err} !~ $like;
	return @wrong;
}

sub told
{
	my ($run, @command) = @_;
	return "@command: exit code $run->{code}, signal $run->{signal}\nstderr: $run->{err}stdout: "
	  . substr($run->{out}, 0, 500);
}

sub lines { return split /\n/, $_[0] }

# ---- what is there

# Everything below a directory, one line each: kind, permissions, size, digest or target, path. No times.
sub listing
{
	my ($top) = @_;
	my @found;
	File::Find::find({ no_chdir => 1, wanted => sub { push @found, describe($_, $top) } }, $top);
	return join '', sort @found;
}

sub describe
{
	my ($path, $top) = @_;
	my ($mode, $size) = (lstat $path)[ 2, 7 ];
	my $what =
	    -l _ ? 'link to ' . readlink $path
	  : -d _ ? 'directory'
	  : -f _ ? "$size bytes " . (-r $path ? Digest::SHA->new(256)->addfile($path, 'b')->hexdigest : '?')
	  :        'special';
	return sprintf "%s %04o %s\n", substr("$path/", length $top), $mode & 07777, $what;
}

sub changes
{
	my ($before, $after) = @_;
	my %before = map { $_ => 1 } lines($before);
	my %after  = map { $_ => 1 } lines($after);
	return ('it has changed:', (map { "- $_" } grep { !$after{$_} } sort keys %before),
		map { "+ $_" } grep { !$before{$_} } sort keys %after);
}

# The names of an archive's objects.
sub stored
{
	my ($archive) = @_;
	opendir my $dir, $archive or die "$archive: $!";
	return join ' ', sort grep { !/^\./ } readdir $dir;
}

# What pushes have left in the archive's place for temporary files. The lock is no left-over.
sub leftovers
{
	my ($archive) = @_;
	return join ' ', grep { !m{/lock$} } glob "$archive/.waltools/tmp/{*,.[!.]*}";
}

# An archive that has its identity, from a first push of this server's segment 1.
sub new_archive
{
	my ($name, $server) = @_;
	my $archive = scratch($name);
	my $run = run('walpush', $archive, put_segment($server, number => 1));
	die $run->{err} if $run->{code} != 0;
	return $archive;
}

# A seed for what a test does at random; TEST_SEED repeats a run.
sub note_seed
{
	my $seed = $ENV{TEST_SEED} // int rand 2**31;
	srand $seed;
	diag("TEST_SEED=$seed") if $ENV{HARNESS_IS_VERBOSE} || $ENV{TEST_SEED};
	note("TEST_SEED=$seed repeats this run");
	return $seed;
}

# ---- other circumstances

# Options for run() that make permissions count: as root, the command runs as nobody. undef when that can't be done.
my $nobody_ready;

sub unprivileged
{
	return {} if $> != 0;
	my ($uid, $gid) = (getpwnam 'nobody')[ 2, 3 ];
	return unless defined $uid;
	my $bin = scratch('bin');
	$nobody_ready //= chmod(0755, scratch())
	  && system('cp', '--', map({ program($_) } qw(walpush walfetch walclean walverify)), $bin) == 0;
	return {
		env    => { PATH => "$bin:$ENV{PATH}" },
		before => sub { $) = "$gid $gid"; POSIX::setgid($gid); POSIX::setuid($uid) },
	};
}

# Runs a shell script in which mounting is allowed; nothing that it mounts outlives it.
sub mounted_run
{
	my ($script, @arguments) = @_;
	return run('unshare', '--user', '--map-root-user', '--mount', 'sh', '-ec', $script, 'sh', @arguments);
}

sub can_mount
{
	return mounted_run('mount -t tmpfs tmpfs "$1"', scratch('mount'))->{code} == 0;
}

# Processor time of all processes that have been waited for: unlike the clock's, the same on a busy machine.
sub children_seconds
{
	my (undef, undef, $user, $system) = times;
	return $user + $system;
}

# Peak memory (resident, KiB) of a command and of the processes that it waited for, and its exit code. Asked of the
# kernel by a small process, as a large one would be counted until the command begins. Nothing where that isn't known. The first
# argument may be options of run().
my %getrusage = (x86_64 => 98, aarch64 => 165);

sub peak_kb
{
	my $option = ref $_[0] ? shift : {};
	my @command = @_;
	my $number = $getrusage{ (POSIX::uname())[4] } // return;
	return if -e '/proc/self/maps' && slurp(program('walfetch')) =~ /__asan_init/;
	my $run = run($option, $^X, '-e', <<'PERL', $number, @command);
my $number = shift;
my $status = system { $ARGV[0] } @ARGV;
my $usage = "\0" x 144;
syscall($number, -1, $usage);
print STDOUT "\n", unpack('x32 q', $usage), " ", $status >> 8, "\n";
PERL
	return $run->{out} =~ /\n(\d+) (\d+)\n\z/ ? ($1, $2, $run->{err}) : ();
}

1;
