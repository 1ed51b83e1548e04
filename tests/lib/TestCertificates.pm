package TestCertificates;

# An authority made for one test, and certificates for servers: a good one and those that a client must refuse. Each is made when
# it is asked for, in some 30 ms.
#
#   my $certificates = TestCertificates->new;
#   my $gateway = CephGateway->start(tls => $certificates->bundle('good'));
#   $ENV{AWS_CA_BUNDLE} = $certificates->authority;
#   FaultProxy->start($gateway, tls => $certificates->bundle('expired'));
#
# Kinds: good, expired, future, wrong_name, self_signed, and stranger (signed by an authority that nobody trusts).

use strict;
use warnings;

use ServerProcess;
use WalTest;

my $local = 'DNS:localhost,DNS:s3.localhost,DNS:*.s3.localhost,DNS:s3.test,DNS:*.s3.test,IP:127.0.0.1,IP:10.99.0.1';
my %kind  = (
	good        => {},
	expired     => { begins => '20200101000000Z', ends => '20210101000000Z' },
	future      => { begins => '20900101000000Z', ends => '20910101000000Z' },
	wrong_name  => { names => 'DNS:other.example' },
	self_signed => {},
	stranger    => { authority => 'stranger-authority' },
);
my $count = 0;

sub new
{
	my ($class) = @_;
	my $self = bless { directory => scratch('tls' . ++$count) }, $class;
	spew("$self->{directory}/database", '');
	spew("$self->{directory}/openssl.cnf", <<"EOT");
[req]
distinguished_name = subject
[subject]
[ca]
default_ca = authority
[authority]
database = $self->{directory}/database
new_certs_dir = $self->{directory}
rand_serial = yes
unique_subject = no
default_md = sha256
default_days = 365
policy = any
[any]
commonName = supplied
EOT
	$self->make_authority('authority');
	return $self;
}

# The file with the authority's certificate, for clients to trust.
sub authority { my ($self) = @_; return "$self->{directory}/authority.pem" }

# The file with a server's private key and certificate.
sub bundle
{
	my ($self, $name) = @_;
	my $kind = $kind{$name} // die "no certificate '$name'";
	my $file = "$self->{directory}/$name";
	return "$file.bundle" if -e "$file.bundle";
	if   ($name eq 'self_signed') { $self->self_sign($name, 'localhost', "subjectAltName=$local") }
	else                          { $self->sign($name, $kind) }
	return spew("$file.bundle", slurp("$file.key"), slurp("$file.pem"));
}

sub make_authority
{
	my ($self, $name) = @_;
	my @use = ('basicConstraints=critical,CA:TRUE', 'keyUsage=critical,keyCertSign,cRLSign');
	$self->self_sign($name, "authority of a test: $name", @use);
	return;
}

sub self_sign
{
	my ($self, $name, $subject, @extensions) = @_;
	my @extend = map { ('-addext', $_) } @extensions;
	$self->openssl('req', '-x509', '-days', 3650, new_key($name, $subject), '-out', "$name.pem", @extend);
	return;
}

sub sign
{
	my ($self, $name, $kind) = @_;
	my $authority = $kind->{authority} // 'authority';
	my $names     = $kind->{names}     // $local;
	$self->make_authority($authority) if !-e "$self->{directory}/$authority.pem";
	spew("$self->{directory}/$name.extensions", "subjectAltName=$names\nextendedKeyUsage=serverAuth\nbasicConstraints=CA:FALSE\n");
	$self->openssl('req', new_key($name, $name), '-out', "$name.request");
	my @validity = $kind->{begins} ? ('-startdate', $kind->{begins}, '-enddate', $kind->{ends}) : ();
	$self->openssl('ca', '-batch', '-notext', '-cert', "$authority.pem", '-keyfile', "$authority.key", '-in', "$name.request",
		'-out', "$name.pem", '-extfile', "$name.extensions", @validity);
	return;
}

sub new_key
{
	my ($name, $subject) = @_;
	return ('-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', "$name.key", '-subj', "/CN=$subject");
}

sub openssl
{
	my ($self, $command, @arguments) = @_;
	must({ cwd => $self->{directory} }, 'openssl', $command, '-config', 'openssl.cnf', @arguments);
	return;
}

1;
