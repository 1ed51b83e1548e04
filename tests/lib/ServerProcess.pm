package ServerProcess;

# A server that a test starts on the loopback interface and that never outlives the test: it is stopped by its own pid when the
# test ends, dies or gets a signal, and by the kernel (PR_SET_PDEATHSIG) when the test is killed. And ports for servers that no
# other test gets.
#
#   my $port   = reserve_port();
#   my $server = ServerProcess->start(name => 'memcached', command => [ 'memcached', '-l', '127.0.0.1', '-p', $port ]);
#   $server->wait_for_port($port);
#   $server->stop;

use strict;
use warnings;

use Errno qw(EINTR);
use Exporter qw(import);
use IO::Socket::INET ();
use POSIX ();
use Socket qw(SOMAXCONN SOL_SOCKET SO_REUSEADDR INADDR_LOOPBACK pack_sockaddr_in unpack_sockaddr_in);
use WalTest;

our @EXPORT = qw(demand_programs reserve_port must tied_to_test);

my $owner = $$;
my %running;     # by pid
my @reserved;    # sockets that hold ports until the test ends

END
{
	if ($$ == $owner)
	{
		local $?;
		$_->kill_now for values %running;
	}
}

# Dies when a program is not installed.
sub demand_programs
{
	for my $program (@_)
	{
		die "$program is not there: run scripts/setup\n" if !grep { -x "$_/$program" } split /:/, $ENV{PATH};
	}
	return;
}

# A free port of 127.0.0.1 that stays this test's until the test ends, also while nobody listens there. The socket that holds it
# never listens: Linux lets a server with SO_REUSEADDR (every server here sets it) bind beside it, and gives the port to
# nobody who asks for any.
sub reserve_port
{
	socket my $holder, Socket::PF_INET, Socket::SOCK_STREAM, 0 or die "socket: $!";
	setsockopt $holder, SOL_SOCKET, SO_REUSEADDR, 1 or die "setsockopt: $!";
	bind $holder, pack_sockaddr_in(0, INADDR_LOOPBACK) or die "bind: $!";
	push @reserved, $holder;
	return (unpack_sockaddr_in(getsockname $holder))[0];
}

# A command that the kernel kills when the test is gone.
sub tied_to_test { return ('setpriv', '--pdeathsig', 'KILL', '--', @_) }

# Runs a command to its end and dies, with all it said, when it fails. The first argument may be options of run().
sub must
{
	my $option  = ref $_[0] ? shift : {};
	my @command = @_;
	my $run     = run($option, tied_to_test(@command));
	die "@command: exit code $run->{code}, signal $run->{signal}\n$run->{out}$run->{err}"
	  if $run->{code} != 0 || $run->{signal} != 0;
	return $run->{out};
}

# Options: name, command (a list, the program not in the background), env (hash), logs (further files that log_tail shows).
sub start
{
	my ($class, %option) = @_;
	my $self = bless { logs => [], %option, output => scratch('servers') . "/$option{name}.log" }, $class;
	spew($self->{output}, '');
	$self->{pid} = fork() // die "fork: $!";
	$self->become if $self->{pid} == 0;
	$running{ $self->{pid} } = $self;
	return $self;
}

# The child's half of start(). A session of its own, so that an interrupt at the terminal reaches the test alone.
sub become
{
	my ($self) = @_;
	POSIX::setsid();
	$SIG{$_} = 'DEFAULT' for qw(INT TERM HUP ALRM PIPE);
	@ENV{ keys %{ $self->{env} } } = values %{ $self->{env} } if $self->{env};
	open STDIN, '<', '/dev/null';
	open STDOUT, '>>', $self->{output};
	open STDERR, '>&', \*STDOUT;
	no warnings 'exec';
	my @command = tied_to_test(@{ $self->{command} });
	exec { $command[0] } @command;
	print STDERR "$command[0]: $!\n";
	POSIX::_exit(127);
}

sub pid { return $_[0]{pid} }

sub is_running
{
	my ($self) = @_;
	return 0 if !$running{ $self->{pid} };
	local $?;
	my $got = waitpid $self->{pid}, POSIX::WNOHANG();
	delete $running{ $self->{pid} } if $got == $self->{pid} || $got < 0 && $! != EINTR;
	return exists $running{ $self->{pid} } ? 1 : 0;
}

sub signal
{
	my ($self, $signal) = @_;
	kill $signal, $self->{pid} if $self->is_running;
	return;
}

# Ends it in an orderly way; kills it after so many seconds (10).
sub stop
{
	my ($self, $seconds) = @_;
	$self->signal('TERM');
	$self->signal('CONT');
	wait_until { !$self->is_running } $seconds // 10;
	$self->kill_now;
	return;
}

# SIGKILL, for it and for what it has started; comes back when it is gone.
sub kill_now
{
	my ($self) = @_;
	return if !$self->is_running;
	local $?;
	kill 'KILL', -$self->{pid}, $self->{pid};
	my $got;
	do { $got = waitpid $self->{pid}, 0 } while $got < 0 && $! == EINTR;
	delete $running{ $self->{pid} };
	return;
}

# Waits until the condition holds; dies with the end of the log when the server ends before, or the time (30 s) is up.
sub wait_for
{
	my ($self, $what, $condition, $seconds) = @_;
	my $ready = wait_until { $condition->() || !$self->is_running } $seconds // 30;
	return if $ready && $self->is_running;
	die "$self->{name} " . ($ready ? 'has ended' : "is not ready in time: $what") . ":\n" . $self->log_tail;
}

sub wait_for_port
{
	my ($self, $port) = @_;
	$self->wait_for("nobody listens on port $port", sub { listens($port) });
	return;
}

sub listens
{
	my ($port) = @_;
	return defined IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port, Proto => 'tcp', Timeout => 5);
}

# The end of what it said, for a failure's explanation.
sub log_tail
{
	my ($self) = @_;
	my @lines = map { -e $_ ? split /^/, slurp($_) : () } @{ $self->{logs} }, $self->{output};
	return join '', map { substr($_, 0, 300) } @lines > 20 ? @lines[ -20 .. -1 ] : @lines;
}

1;
