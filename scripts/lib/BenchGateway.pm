package BenchGateway;

# The tests' Ceph RADOS Gateway as the bench needs it: with TLS on all addresses of the network that it is started in, and
# with its requests counted.
#
#   my $gateway = BenchGateway->start;
#   $gateway->take_requests; ...; my $requests = $gateway->take_requests;    # since the last call
#   $gateway->offer('10.99.0.1');         # programs that are started now use it at this address

use strict;
use warnings;

use BenchShell;
use FindBin;
use lib "$FindBin::Bin/../tests/lib";
use parent 'CephGateway';
use WalTest qw(wait_until);

our @PROGRAMS = qw(ceph-mon ceph-osd radosgw radosgw-admin monmaptool osdmaptool openssl);

my @addresses = qw(127.0.0.1 10.99.0.1);

sub start
{
	my ($class, @options) = @_;
	my %file = map { $_ => scratch("gateway.$_") } qw(crt key pem log);
	local $ENV{TMPDIR} = scratch();
	make_certificate(%file);
	my $self = $class->SUPER::start(tls => $file{pem}, settings => { log_file => $file{log} }, @options);
	@$self{qw(authority log position markers)} = (@file{qw(crt log)}, 0, 0);
	return $self;
}

# pgBackRest 2.45 knows no addresses in certificates and takes them for names, so they stand there as both.
sub make_certificate
{
	my (%file) = @_;
	my $names = join ',', map { ("IP:$_", "DNS:$_") } @addresses;
	shell("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=bench"
		  . " -addext subjectAltName=$names -keyout $file{key} -out $file{crt}");
	write_file($file{pem}, read_file($file{key}) . read_file($file{crt}));
	return;
}

# In place of what CephGateway says of the frontend: it listens on the loopback device alone.
sub configure
{
	my ($self) = @_;
	$self->{settings}{rgw_frontends} =
	  "beast endpoint=127.0.0.1:$self->{port} ssl_endpoint=0.0.0.0:$self->{tls_port} ssl_certificate=$self->{tls}";
	return $self->SUPER::configure;
}

# Whatever is started from now on is a user of the gateway at this address.
sub offer
{
	my ($self, $address) = @_;
	my $endpoint = "https://$address:" . $self->tls_port;
	my %offered  = (
		%{ $self->environment(endpoint => $endpoint, authority => $self->{authority}) },
		AWS_DEFAULT_REGION             => 'us-east-1',
		PGBACKREST_REPO1_S3_KEY        => $self->access_key,
		PGBACKREST_REPO1_S3_KEY_SECRET => $self->secret_key,
		map { $_ => undef } qw(REQUESTS_CA_BUNDLE CURL_CA_BUNDLE SSL_CERT_FILE SSL_CERT_DIR),
	);
	defined $offered{$_} ? $ENV{$_} = $offered{$_} : delete $ENV{$_} for keys %offered;
	return;
}

sub authority { my ($self) = @_; return $self->{authority} }

sub remove_bucket
{
	my ($self, $bucket) = @_;
	$self->admin('bucket', 'rm', "--bucket=$bucket", '--purge-objects', '--bypass-gc');
	return;
}

# How many requests the gateway has answered since the last call, by its log. It is written with a delay, so that a request that
# is known must come past first.
sub take_requests
{
	my ($self) = @_;
	my $marker = 'marker-' . ++$self->{markers};
	my $seen   = '';
	open my $log, '<', $self->{log} or fail("$self->{log}: $!");
	$self->client->request('GET', $marker, '');
	seek $log, $self->{position}, 0;
	wait_until
	{
		local $/;
		seek $log, 0, 1;
		$seen .= readline($log) // '';
		$seen =~ m{ beast: .*"GET /$marker .*\n};
	}
	or fail('the log of the gateway stands still');
	$self->{position} = tell $log;
	my $requests = () = $seen =~ / beast: /g;
	return $requests - 1;
}

1;
