package TcpProxy;

# A proxy before any server, which ends connections or lets them hang after so many bytes.
#
#   my $proxy = TcpProxy->start($server->port);
#   $proxy->fault('cut', 256 * 1024);        # connections from now on, after so many bytes from the client
#   $proxy->fault('stall', 1000);            # they stay open, and nothing passes any more
#   $proxy->fault('cut_answer', 500);        # bytes from the server; stall_answer
#   $proxy->clear;

use strict;
use warnings;

use File::Basename qw(dirname);
use ServerProcess;
use WalTest;

my $program = dirname(__FILE__) . '/tcp_proxy';
my $count   = 0;

sub start
{
	my ($class, $server_port) = @_;
	my $self = bless { directory => scratch('tcp' . ++$count), port => reserve_port() }, $class;
	$self->clear;
	$self->{process} = ServerProcess->start(
		name    => "tcp$count",
		command => [ $^X, $program, $self->{directory}, $self->{port}, $server_port ],
	);
	$self->{process}->wait_for_port($self->{port});
	return $self;
}

sub port { return $_[0]{port} }
sub stop { my ($self) = @_; $self->{process}->kill_now; return }

sub clear { my ($self) = @_; $self->fault('none', 0); return }

# In one step: the proxy reads the file for each connection.
sub fault
{
	my ($self, $fault, $bytes) = @_;
	spew("$self->{directory}/rule.new", "$fault $bytes");
	rename "$self->{directory}/rule.new", "$self->{directory}/rule" or die "rename: $!";
	return;
}

1;
