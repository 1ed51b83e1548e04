package WalRace;

# Processes at moments of the test's choosing: started at the same instant, stopped or killed at a system call.
#
#   my @runs = at_once(['walpush', $archive, $one], ['walpush', $archive, $two]);
#   my $stopped = stopped_at('fsync', 'walpush', $archive, $file);     # its child sits in its first fsync
#   my $run = $stopped->go_on;                                         # as run() returns
#   my @calls = traced('walpush', $archive, $file)->{calls};

use strict;
use warnings;

use Exporter qw(import);
use POSIX ();
use Time::HiRes ();
use WalTest;

our @EXPORT = qw(at_once can_trace stopped_at traced injected);

my $owner = $$;
my %stopped;    # process groups

# A test that dies must not leave stopped processes behind.
END
{
	if ($$ == $owner)
	{
		kill 'KILL', -$_, $stopped{$_}{child} // () for keys %stopped;
	}
}

# ---- at the same instant

sub at_once
{
	my @commands = @_;
	pipe my $gate, my $opener or die "pipe: $!";
	my @started = map { start($gate, $opener, @$_) } @commands;
	close $gate;
	close $opener;    # all of them read the end of the file now
	return map { finish($_) } @started;
}

# A command in a process group of its own; waits for the gate when there is one.
sub start
{
	my ($gate, $opener, @command) = @_;
	my $base = scratch() . '/.start' . ++$WalRace::count;
	spew("$base.$_") for qw(out err);    # they are there even when it is killed before it has begun
	my $pid = fork() // die "fork: $!";
	if ($pid == 0)
	{
		POSIX::setpgid(0, 0);
		$SIG{$_} = 'DEFAULT' for qw(INT TERM HUP ALRM PIPE);
		open STDIN,  '<', '/dev/null';
		open STDOUT, '>', "$base.out";
		open STDERR, '>', "$base.err";
		if ($gate)
		{
			close $opener;
			sysread $gate, my $nothing, 1;
		}
		exec { $command[0] } @command or POSIX::_exit(127);
	}
	POSIX::setpgid($pid, $pid);
	return { pid => $pid, base => $base };
}

sub finish
{
	my ($started) = @_;
	my ($status, $timed_out) = WalTest::wait_for($started->{pid}, 60);
	my %run = (code => $status >> 8, signal => $status & 127, timed_out => $timed_out);
	$run{$_} = slurp("$started->{base}.$_") for qw(out err);
	unlink map { "$started->{base}.$_" } qw(out err);
	return \%run;
}

# ---- stopped before a system call

# LeakSanitizer can't work in a traced process.
sub untroubled { return ("ASAN_OPTIONS=" . ($ENV{ASAN_OPTIONS} // '') . ':detect_leaks=0') }

sub can_trace { return run('strace', '-f', '-o', '/dev/null', 'true')->{code} == 0 }

sub strace { return ('env', untroubled(), 'strace', '-f', '-qq', '-s', '256') }

# Starts the command and waits until its working child is stopped in the first such system call (or the nth:
# 'fsync:2'), which is done then but has not returned. After a blank, what else is to happen: 'fsync linkat:error=EPERM'.
# Methods: pid (of the program), child (the stopped process), pass_on (a signal); go_on, kill_child, finish_stopped, which
# return what run() does.
sub stopped_at
{
	my ($call, @command) = @_;
	my ($stop, $inject) = split / /, $call;
	my ($name, $when) = split /:/, $stop;
	my @injections = ("$name:signal=STOP:when=" . ($when // 1), $inject // ());
	my $names = join ',', map { /^(\w+)/ } @injections;
	my $log = scratch() . '/.strace' . ++$WalRace::count;
	my $started = start(undef, undef, strace(), '-o', $log, '-e', "trace=$names", (map { ('-e', "inject=$_") } @injections),
		@command);
	my $self = bless { %$started, log => $log }, 'WalRace';
	$stopped{ $started->{pid} } = $self;
	wait_until { ($self->{child}) = (eval { slurp($log) } // q()) =~ /^(\d+) +--- stopped by SIGSTOP/m } 30
	  or die "@command has not come to $call: " . slurp("$started->{base}.err");
	return $self;
}

sub child { return $_[0]{child} }

# The program itself, not the strace that watches it.
sub pid
{
	my ($self) = @_;
	return slurp("/proc/$self->{child}/status") =~ /^PPid:\s+(\d+)/m ? $1 : die 'no parent';
}

# Sends a signal to the program and waits until the stopped child has been sent what that leads to: by the program, or
# by the kernel when the program dies of it.
sub pass_on
{
	my ($self, $signal, $leads_to) = @_;
	my $bit = { HUP => 1, INT => 2, TERM => 15 }->{ $leads_to // $signal } - 1;
	kill $signal, $self->pid;
	return wait_until { slurp("/proc/$self->{child}/status") =~ /^ShdPnd:\s+([0-9a-f]+)/m && hex($1) >> $bit & 1 } 10;
}

sub go_on
{
	my ($self) = @_;
	kill 'CONT', $self->{child};
	return $self->finish_stopped;
}

sub kill_child
{
	my ($self) = @_;
	kill 'KILL', $self->{child};
	return $self->finish_stopped;
}

sub finish_stopped
{
	my ($self) = @_;
	my $run = finish($self);
	delete $stopped{ $self->{pid} };
	return $run;
}

# ---- traced, and killed on the way

# Runs the command and returns what run() does, and calls: the system calls in order, each { pid, name, arguments, result }.
sub traced
{
	my ($calls, @command) = @_;
	my $log = scratch() . '/.strace' . ++$WalRace::count;
	my $run = run(strace(), '-y', '-o', $log, '-e', "trace=$calls", @command);
	$run->{calls} = calls_of(slurp($log));
	return $run;
}

# A call that another process or thread interrupts is logged in two halves; it counts where it ended.
sub calls_of
{
	my ($log) = @_;
	my (@calls, %begun);
	for my $line (split /\n/, $log)
	{
		my ($pid, $text) = $line =~ /^(\d+) +(.*)$/ or next;
		if ($text =~ s/ *<unfinished \.\.\.>$//)
		{
			$begun{$pid} = $text;
			next;
		}
		$text =~ s/^<\.\.\. \w+ resumed>/delete $begun{$pid} or ''/e;
		push @calls, { pid => $pid, name => $1, arguments => $2, result => $3 } if $text =~ /^(\w+)\((.*)\) += (.*)$/;
		push @calls, { pid => $pid, name => 'exited', arguments => '', result => $1 } if $text =~ /^\+\+\+ exited with (\d+)/;
	}
	return \@calls;
}

# Runs the command and does something to it at a system call: injected('fsync:signal=KILL:when=2', ...).
sub injected
{
	my ($what, @command) = @_;
	my ($name) = $what =~ /^(\w+)/;
	return run(strace(), '-o', '/dev/null', '-e', "trace=$name", '-e', "inject=$what", @command);
}

1;
