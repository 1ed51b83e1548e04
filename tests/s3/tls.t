# TLS: who the server is must be proved by a certificate from an authority that is trusted; what else it says is not heard.

use FindBin;
use lib "$FindBin::Bin/../lib";
use CephGateway;
use FaultProxy;
use File::Basename qw(basename);
use S3Test;
use TestCertificates;

my $certificates = TestCertificates->new;
my $gateway      = CephGateway->start(tls => $certificates->bundle('good'), dns_name => 's3.localhost');
my $bucket       = $gateway->bucket('wal');
my $archive      = "s3://$bucket/main";
my $server       = data_directory('server');
my $pitr         = recovering('pitr');
my $port         = $gateway->tls_port;
my $authority    = $certificates->authority;
act_as($gateway, endpoint => $gateway->tls_endpoint);
delete @ENV{qw(SSL_CERT_FILE SSL_CERT_DIR CURL_CA_BUNDLE)};

my $file = next_segment($server);
my $name = basename($file);

# ---- whom to trust

succeeds('the authority is an option', 'walpush', "--s3-ca-file=$authority", $archive, $file);
is(fetched($archive, $file, "--s3-ca-file=$authority"), '', '... and it comes back');
succeeds('... it is cleaned too', 'walclean', "--s3-ca-file=$authority", $archive, segment_name(number => 1));
{
	local $ENV{AWS_CA_BUNDLE} = $authority;
	succeeds('the authority is in AWS_CA_BUNDLE', 'walpush', $archive, next_segment($server));
	is(fetched($archive, $file), '', '... and it comes back');
	my $stranger = $certificates->bundle('stranger');
	refuses('the option wins', { code => 3, like => qr/certificate/i }, 'walpush', '--s3-ca-file=' . (glob dirname_of($authority) . '/stranger-authority.pem')[0],
		$archive, $file);
}
{
	my $profile = spew(scratch() . '/profile', "[default]\nca_bundle = $authority\n");
	succeeds('the authority is in the profile', { env => { AWS_CONFIG_FILE => $profile } }, 'walpush', $archive, next_segment($server));
}
{
	my $config = spew(scratch() . '/waltools.conf', "s3-ca-file = $authority\n[main]\narchive = $archive\ns3-endpoint = " . $gateway->tls_endpoint . "\n");
	succeeds('the authority is in the configuration', 'walpush', "--config=$config", 'main', next_segment($server));
}
for my $program ([ 'walpush', $archive, next_segment($server) ], [ 'walfetch', $archive, $name, scratch() . '/fetched' ],
	[ 'walclean', $archive, $name ])
{
	refuses("$program->[0]: nobody is trusted", { code => 3, like => qr/certificate/i }, @$program);
}
is(run({ cwd => $pitr }, 'walfetch', '--timeout=1s', $archive, $name, 'pg_wal/RECOVERYXLOG')->{code}, 254, '... which stops a recovery');
for my $case ([ 'is not there', '/nonexistent/authority.pem' ], [ 'holds no certificate', spew(scratch() . '/rubbish.pem', "rubbish\n") ],
	[ 'is empty', spew(scratch() . '/empty.pem', '') ], [ 'is a directory', scratch() ])
{
	refuses("the file of authorities $case->[0]", { code => 2, like => qr/\Q$case->[1]\E/ }, 'walpush', "--s3-ca-file=$case->[1]", $archive, $file);
}

sub dirname_of { return File::Basename::dirname($_[0]) }

# ---- who the server is

for my $case (
	[ 'expired',     qr/certificate.*expired/i ],
	[ 'future',      qr/certificate.*not yet valid/i ],
	[ 'wrong_name',  qr/certificate.*(?:name|match)/i ],
	[ 'self_signed', qr/certificate.*self.signed/i ],
	[ 'stranger',    qr/certificate/i ],
  )
{
	my ($kind, $like) = @$case;
	my $proxy = FaultProxy->start($gateway, tls => $certificates->bundle($kind));
	my @to = ("--s3-endpoint=" . $proxy->endpoint, "--s3-ca-file=$authority");
	my $run = refuses("a certificate of kind $kind: push", { code => 3, like => qr/certificate/i }, 'walpush', @to, $archive, next_segment($server));
	like($run->{err}, $like, '... and what is wrong with it');
	in_time($run, 5);
	refuses('... fetch', { code => 3, like => qr/certificate/i }, 'walfetch', @to, $archive, $name, scratch() . '/fetched');
	refuses('... clean', { code => 3, like => qr/certificate/i }, 'walclean', @to, $archive, segment_name(number => 9999));
	is(run({ cwd => $pitr }, 'walfetch', '--timeout=1s', @to, $archive, $name, 'pg_wal/RECOVERYXLOG')->{code}, 254, '... a recovery is stopped');
	is($proxy->request_count, 0, '... and nothing was sent to it');
	$proxy->stop;
}

# ---- names of hosts

{
	my @to = ("--s3-endpoint=https://s3.localhost:$port", "--s3-ca-file=$authority");
	for my $style (qw(path virtual auto))
	{
		my $next = next_segment($server);
		succeeds("addressing $style", 'walpush', @to, "--s3-addressing=$style", $archive, $next);
		is(fetched($archive, $next, @to, "--s3-addressing=$style"), '', '... and it comes back');
		is(fetched($archive, $next, "--s3-ca-file=$authority"), '', '... from the same bucket');
		my $prefix = "s3://$bucket/with space + % & ? # \xc3\xbc/$style";
		succeeds('... strange keys', 'walpush', @to, "--s3-addressing=$style", $prefix, $next);
		is(fetched($prefix, $next, "--s3-ca-file=$authority"), '', '... come back');
		succeeds('... and are cleaned', 'walclean', @to, "--s3-addressing=$style", $prefix, segment_name(number => 9999));
		is(join(' ', grep { /\.zst/ } $gateway->objects($bucket, "with space + % & ? # \xc3\xbc/$style")), '', '... away');
	}
	my $dotted = $gateway->bucket('with.dots');
	succeeds('a bucket with dots', 'walpush', @to, "s3://$dotted/main", $file);
	is(fetched("s3://$dotted/main", $file, @to), '', '... by its path');
	refuses('... a certificate for one label does not fit it', { code => 3, like => qr/certificate/i }, 'walpush', @to, '--s3-addressing=virtual',
		"s3://$dotted/main", next_segment($server));
}

# ---- not TLS at all

refuses('https:// to a server that speaks none', { code => 3, like => qr/127\.0\.0\.1/ }, 'walpush', '--timeout=1s',
	'--s3-endpoint=https://127.0.0.1:' . $gateway->port, "--s3-ca-file=$authority", $archive, $file);
refuses('http:// to one that does', { code => 3 }, 'walpush', '--timeout=1s', "--s3-endpoint=http://127.0.0.1:$port", $archive, $file);

done_testing;
