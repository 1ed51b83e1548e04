package BucketArchive;

# An archive in a bucket of a real Ceph gateway, over TLS with a certificate of the test's own authority; and what may befall it.
# The methods are described in DirectoryArchive.
#
#   my $archive = BucketArchive->new('archive');    # the prefix
#
# Endpoint and authority are given as options, the keys in the environment. Plights that are wrong answers are made by a proxy
# before the gateway; only a copy that is meant for one of them goes through it.

use strict;
use warnings;

use CephGateway ();
use DirectoryArchive ();
use FaultProxy ();
use TestCertificates ();

my $bucket = 'wal';
my $page   = '<!DOCTYPE html><html><head><title>Sign in</title></head><body><p>Welcome to the network.</p></body></html>';
my @html   = (body => $page, headers => { 'Content-Type' => 'text/html' });

my %plight = (
	unreachable => {
		befall    => sub { my ($self) = @_; $self->{gateway}->kill },
		set_right => sub { my ($self) = @_; $self->{gateway}->restart },
	},
	stalled => {
		befall    => sub { my ($self) = @_; $self->{gateway}->suspend },
		set_right => sub { my ($self) = @_; $self->{gateway}->resume },
	},
	keys_withdrawn => { befall => \&withdraw_keys, set_right => \&give_keys_back },
	emptied => {
		befall    => sub { my ($self) = @_; $self->move("$self->{prefix}/",       "aside/$self->{prefix}/") },
		set_right => sub { my ($self) = @_; $self->move("aside/$self->{prefix}/", "$self->{prefix}/") },
	},
	damaged => { befall => \&damage, set_right => \&bring_segment_back },
	hole    => {
		befall    => sub { my ($self, $segment) = @_; $self->move($self->key($segment), $self->aside($segment)) },
		set_right => \&bring_segment_back,
	},
	busy                => answered(status => 503, code => 'SlowDown'),
	broken              => answered(status => 500, code => 'InternalError'),
	without_bucket      => answered(status => 404, code => 'NoSuchBucket'),
	behind_a_login_page => answered(status => 200, @html),
	behind_a_lost_page  => answered(status => 404, @html),
);

sub answered
{
	my @answer = @_;
	return {
		through_proxy => 1,
		befall        => sub { my ($self) = @_; $self->{proxy}->fault('answer', @answer) },
		set_right     => sub { my ($self) = @_; $self->{proxy}->clear },
	};
}

# With a gateway of its own, which its copies share.
sub new
{
	my ($class, $prefix) = @_;
	my $certificates = TestCertificates->new;
	my $gateway = CephGateway->start(tls => $certificates->bundle('good'));
	$gateway->bucket($bucket);
	return bless {
		prefix       => $prefix,
		gateway      => $gateway,
		certificates => $certificates,
		proxy        => FaultProxy->start($gateway, tls => $certificates->bundle('good')),
		endpoint     => $gateway->tls_endpoint,
	}, $class;
}

sub location { my ($self) = @_; return "s3://$bucket/$self->{prefix}" }

sub options
{
	my ($self) = @_;
	return ("--s3-endpoint=$self->{endpoint}", '--s3-ca-file=' . $self->{certificates}->authority);
}

sub environment
{
	my ($self) = @_;
	return { %{ $self->{gateway}->environment }, AWS_ENDPOINT_URL => undef, AWS_CA_BUNDLE => undef };
}

sub plights { return sort keys %plight }

# ---- what is in it

sub objects
{
	my ($self) = @_;
	return map { substr $_, 1 + length $self->{prefix} } $self->{gateway}->objects($bucket, "$self->{prefix}/");
}

sub content { my ($self, $name) = @_; return $self->{gateway}->get($bucket, "$self->{prefix}/$name") }

# For the names of plights the endpoint is chosen: with the proxy's, a gateway that is gone shows as connections that are reset;
# without, as connections that are refused.
sub copy
{
	my ($self, $prefix, @plights) = @_;
	my $through_proxy = !@plights || grep { $plight{$_}{through_proxy} } @plights;
	my $endpoint      = $through_proxy ? $self->{proxy}->endpoint : $self->{gateway}->tls_endpoint;
	$self->copy_object("$self->{prefix}/$_", "$prefix/$_") for $self->objects;
	return bless { %$self, prefix => $prefix, endpoint => $endpoint }, ref $self;
}

# The server does it, so that metadata goes along.
sub copy_object
{
	my ($self, $from, $to) = @_;
	$self->{gateway}->put($bucket, $to, '', 'x-amz-copy-source' => "/$bucket/$from");
	return;
}

# All objects whose key begins so.
sub move
{
	my ($self, $from, $to) = @_;
	for my $key ($self->{gateway}->objects($bucket, $from))
	{
		$self->copy_object($key, $to . substr $key, length $from);
		$self->{gateway}->delete($bucket, $key);
	}
	return;
}

# ---- what may befall it

sub befall    { my ($self, $plight, $segment) = @_; $plight{$plight}{befall}->($self, $segment);    return }
sub set_right { my ($self, $plight, $segment) = @_; $plight{$plight}{set_right}->($self, $segment); return }

sub key   { my ($self, $segment) = @_; return "$self->{prefix}/$segment.zst" }
sub aside { my ($self, $segment) = @_; return "aside/$self->{prefix}/$segment.zst" }

sub bring_segment_back { my ($self, $segment) = @_; $self->move($self->aside($segment), $self->key($segment)); return }

sub damage
{
	my ($self, $segment) = @_;
	my $gateway = $self->{gateway};
	my $key     = $self->key($segment);
	my ($content, $headers) = ($gateway->get($bucket, $key), $gateway->head($bucket, $key));
	my @metadata = map { $_ => $headers->{$_} } grep { /^x-amz-meta-/ } keys %$headers;
	$self->move($key, $self->aside($segment));
	$gateway->put($bucket, $key, DirectoryArchive::with_bit_flipped($content), @metadata);
	return;
}

# The gateway itself refuses them then.
sub withdraw_keys
{
	my ($self) = @_;
	my $gateway = $self->{gateway};
	$gateway->admin('key', 'rm', '--uid=wal', '--key-type=s3', '--access-key=' . $gateway->access_key);
	return;
}

sub give_keys_back
{
	my ($self) = @_;
	my $gateway = $self->{gateway};
	my @keys = ('--access-key=' . $gateway->access_key, '--secret-key=' . $gateway->secret_key);
	$gateway->admin('key', 'create', '--uid=wal', '--key-type=s3', @keys);
	return;
}

1;
