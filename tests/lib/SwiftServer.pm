package SwiftServer;

# OpenStack Swift's S3 interface for tests: strict where Ceph is not. It answers If-None-Match with 501, refuses a wrong region,
# and wants a Content-MD5 for deleting many. One process, as any user, in some two seconds; ends with the test.
#
#   plan skip_all => SwiftServer->why_not if SwiftServer->why_not;
#   my $swift = SwiftServer->start;
#   my $bucket = $swift->bucket('wal');
#   my $run = run({ env => $swift->environment }, 'walpush', "s3://$bucket", $segment);
#
# What it can be asked is in S3Server. Nothing stays when it is stopped.

use strict;
use warnings;

use parent 'S3Server';

use File::Basename qw(dirname);
use S3Client ();
use ServerProcess;
use WalTest;

my %key     = (access_key => 'wal:wal', secret_key => 'secret/of+swift=');
my $program = dirname(__FILE__) . '/swift_server';
my $count   = 0;

# Why it cannot be started here; nothing when it can.
sub why_not
{
	my $run = run('/usr/bin/python3', '-c', 'import swift');
	return if $run->{code} == 0;
	return 'python3-swift is not there: run scripts/setup';
}

# Options: dns_name (s3.test), below which bucket names are virtual hosts.
sub start
{
	my ($class, %option) = @_;
	my $self = bless { dns_name => 's3.test', %option, port => reserve_port() }, $class;
	my $directory = scratch('swift' . ++$count);
	$self->{process} = ServerProcess->start(
		name    => "swift$count",
		command => [ $program, $directory, $self->{port}, @key{qw(access_key secret_key)}, $self->{dns_name} ],
	);
	$self->{process}->wait_for_port($self->{port});
	$self->{client} = S3Client->new(endpoint => $self->endpoint, %key);
	return $self;
}

sub stop { my ($self) = @_; $self->{process}->kill_now; return }

1;
