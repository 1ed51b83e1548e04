package S3Client;

# A small client of S3 for tests that shares nothing with the one under test: it signs with Digest::SHA and speaks with
# HTTP::Tiny. To put objects into a bucket and to see what is there.
#
#   my $client = S3Client->new(endpoint => 'http://127.0.0.1:7480', access_key => ..., secret_key => ...);
#   $client->create_bucket('wal', versioning => 'Enabled');
#   $client->put('wal', 'a key', 'content', 'x-amz-meta-color' => 'red');
#   is($client->get('wal', 'a key'), 'content');
#   is_deeply([ $client->objects('wal', 'prefix/') ], [...]);
#   my $answer = $client->request('GET', 'wal', '', query => { versioning => '' });    # {status}, {headers}, {content}
#
# Keys and content are bytes. Methods that say nothing else die with the server's answer when it is an error.

use strict;
use warnings;

use Digest::MD5 ();
use Digest::SHA qw(hmac_sha256 hmac_sha256_hex sha256_hex);
use HTTP::Tiny ();
use MIME::Base64 qw(encode_base64);
use POSIX ();

# Options: endpoint, access_key, secret_key; token (of a session), region (us-east-1), timeout in seconds (60), clock (by how many
# seconds it is off).
sub new
{
	my ($class, %option) = @_;
	my $self = bless { region => 'us-east-1', clock => 0, %option }, $class;
	$self->{http} = HTTP::Tiny->new(
		max_redirect => 0,
		timeout      => $option{timeout} // 60,
		keep_alive   => 0,
		map { $_ => undef } qw(proxy http_proxy https_proxy),
	);
	return $self;
}

sub endpoint   { return $_[0]{endpoint} }
sub access_key { return $_[0]{access_key} }
sub secret_key { return $_[0]{secret_key} }
sub region     { return $_[0]{region} }

# ---- buckets

# Options: versioning => 'Enabled' or 'Suspended', object_lock => { mode => 'GOVERNANCE', days => 1 } (the default retention;
# {} for none). Returns the bucket's name.
sub create_bucket
{
	my ($self, $bucket, %option) = @_;
	my %headers = $option{object_lock} ? ('x-amz-bucket-object-lock-enabled' => 'true') : ();
	$self->must('PUT', $bucket, '', headers => \%headers);
	$self->configure($bucket, 'versioning', "<VersioningConfiguration><Status>$option{versioning}</Status></VersioningConfiguration>")
	  if $option{versioning};
	$self->configure($bucket, 'object-lock', <<"EOT") if %{ $option{object_lock} // {} };
<ObjectLockConfiguration><ObjectLockEnabled>Enabled</ObjectLockEnabled><Rule><DefaultRetention>
<Mode>$option{object_lock}{mode}</Mode><Days>$option{object_lock}{days}</Days>
</DefaultRetention></Rule></ObjectLockConfiguration>
EOT
	return $bucket;
}

# Sets one of a bucket's documents: policy, lifecycle, versioning, ...
sub configure
{
	my ($self, $bucket, $what, $document) = @_;
	my %headers = ('content-md5' => encode_base64(Digest::MD5::md5($document), ''));
	$self->must('PUT', $bucket, '', query => { $what => '' }, headers => \%headers, content => $document);
	return;
}

# The keys of the objects with this prefix, as the server sorts them.
sub objects
{
	my ($self, $bucket, $prefix) = @_;
	my %query = ('list-type' => 2, 'encoding-type' => 'url', prefix => $prefix // '');
	my @keys;
	while (1)
	{
		my $page = $self->must('GET', $bucket, '', query => \%query)->{content};
		push @keys, map { decoded($_) } elements('Key', $page);
		my ($more) = elements('NextContinuationToken', $page);
		return @keys unless defined $more && $more ne '';
		$query{'continuation-token'} = $more;
	}
}

# Multipart uploads that were begun and neither completed nor aborted: their keys.
sub uploads
{
	my ($self, $bucket) = @_;
	my $page = $self->must('GET', $bucket, '', query => { uploads => '' })->{content};
	return map { decoded($_) } elements('Key', $page);
}

# All versions of all keys below a prefix, and the marks of deletion: "KEY VERSION" each.
sub versions
{
	my ($self, $bucket, $prefix) = @_;
	my $page = $self->must('GET', $bucket, '', query => { versions => '', prefix => $prefix // '' })->{content};
	my @keys = elements('Key', $page);
	my @ids  = elements('VersionId', $page);
	return map { "$keys[$_] $ids[$_]" } 0 .. $#keys;
}

# ---- objects

# Further arguments are headers. Returns the answer.
sub put
{
	my ($self, $bucket, $key, $content, %headers) = @_;
	return $self->must('PUT', $bucket, $key, content => $content, headers => \%headers);
}

# The content, or undef when there is no such object.
sub get
{
	my ($self, $bucket, $key, %headers) = @_;
	my $answer = $self->answer_or_missing('GET', $bucket, $key, \%headers);
	return $answer && $answer->{content};
}

# The headers, names in lower case, or undef when there is no such object.
sub head
{
	my ($self, $bucket, $key, %headers) = @_;
	my $answer = $self->answer_or_missing('HEAD', $bucket, $key, \%headers);
	return $answer && $answer->{headers};
}

sub answer_or_missing
{
	my ($self, $method, $bucket, $key, $headers) = @_;
	my $answer = $self->request($method, $bucket, $key, headers => $headers);
	return if $answer->{status} == 404;
	return checked($answer, "$method $bucket/$key");
}

sub delete
{
	my ($self, $bucket, $key) = @_;
	$self->must('DELETE', $bucket, $key);
	return;
}

# ---- who it is

# A client whose credentials end after so many seconds, from the server's STS.
sub assume_role
{
	my ($self, $role, $seconds) = @_;
	my $sts    = bless { %$self, service => 'sts' }, ref $self;
	my $answer = $sts->must(
		'POST', '', '',
		headers => { 'content-type' => 'application/x-www-form-urlencoded' },
		content => joined_query(
			Action          => 'AssumeRole',
			Version         => '2011-06-15',
			DurationSeconds => $seconds,
			RoleArn         => $role,
			RoleSessionName => 'test',
		),
	)->{content};
	my %member = map { $_ => (elements($_, $answer))[0] } qw(AccessKeyId SecretAccessKey SessionToken);
	return bless {
		%$self,
		access_key => $member{AccessKeyId},
		secret_key => $member{SecretAccessKey},
		token      => $member{SessionToken},
	}, ref $self;
}

# What a program needs in its environment to be this client, and nothing of whoever runs the test: for WalTest's run().
# Options: endpoint (TLS, or a proxy, instead), authority (the file with whom to trust).
sub environment
{
	my ($self, %option) = @_;
	my %unset = map { $_ => undef } grep { /^AWS_|_proxy$/i } CORE::keys %ENV;
	return {
		%unset,
		AWS_CA_BUNDLE               => $option{authority},
		AWS_ENDPOINT_URL            => $option{endpoint} // $self->{endpoint},
		AWS_REGION                  => $self->{region},
		AWS_ACCESS_KEY_ID           => $self->{access_key},
		AWS_SECRET_ACCESS_KEY       => $self->{secret_key},
		AWS_SESSION_TOKEN           => $self->{token},
		AWS_CONFIG_FILE             => '/dev/null',
		AWS_SHARED_CREDENTIALS_FILE => '/dev/null',
		AWS_EC2_METADATA_DISABLED   => 'true',
	};
}

# ---- requests

sub must
{
	my ($self, $method, $bucket, $key, %option) = @_;
	return checked($self->request($method, $bucket, $key, %option), "$method $bucket/$key");
}

sub checked
{
	my ($answer, $what) = @_;
	die "$what: $answer->{status} $answer->{reason}\n$answer->{content}\n" if !$answer->{success};
	return $answer;
}

# Any request. Options: query (hash of what is not encoded yet), headers, content. Returns what HTTP::Tiny returns; status 599
# when there was no answer.
sub request
{
	my ($self, $method, $bucket, $key, %option) = @_;
	my $path    = "/$bucket" . ($key eq '' ? '' : '/' . join '/', map { encoded($_) } split m{/}, $key, -1);
	my $query   = joined_query(%{ $option{query} // {} });
	my $headers = $self->signed($method, $path, $query, $option{headers} // {}, $option{content} // '');
	return $self->{http}->request(
		$method,
		$self->{endpoint} . $path . ($query eq '' ? '' : "?$query"),
		{ headers => $headers, defined $option{content} ? (content => $option{content}) : () },
	);
}

# AWS Signature Version 4, https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
sub signed
{
	my ($self, $method, $path, $query, $headers, $content) = @_;
	my ($host) = $self->{endpoint} =~ m{//(.+)};
	my $time = POSIX::strftime('%Y%m%dT%H%M%SZ', gmtime(time + $self->{clock}));
	my %sent = (
		map({ lc $_ => $headers->{$_} } keys %$headers),
		'x-amz-date'           => $time,
		'x-amz-content-sha256' => sha256_hex($content),
		defined $self->{token} ? ('x-amz-security-token' => $self->{token}) : (),
	);
	my %to_sign = (%sent, host => $host);
	my @names   = sort keys %to_sign;
	my $names   = join ';', @names;
	my $request = join "\n", $method, $path, $query, map({ "$_:$to_sign{$_}" } @names), '', $names,
	  $sent{'x-amz-content-sha256'};
	my @scope = (substr($time, 0, 8), $self->{region}, $self->{service} // 's3', 'aws4_request');
	my $text  = join "\n", 'AWS4-HMAC-SHA256', $time, join('/', @scope), sha256_hex($request);
	my $key   = "AWS4$self->{secret_key}";
	$key = hmac_sha256($_, $key) for @scope;
	$sent{authorization} = "AWS4-HMAC-SHA256 Credential=$self->{access_key}/" . join('/', @scope)
	  . ", SignedHeaders=$names, Signature=" . hmac_sha256_hex($text, $key);
	return \%sent;
}

sub joined_query
{
	my (%query) = @_;
	return join '&', map { encoded($_) . '=' . encoded($query{$_}) } sort keys %query;
}

sub encoded
{
	my ($text) = @_;
	return $text =~ s/([^A-Za-z0-9_.~-])/sprintf '%%%02X', ord $1/ger;
}

sub decoded
{
	my ($text) = @_;
	return $text =~ tr/+/ /r =~ s/%([0-9A-Fa-f]{2})/chr hex $1/ger;
}

# What the elements of this name hold. Enough for answers that carry no surprises.
sub elements
{
	my ($name, $xml) = @_;
	my %entity = (amp => '&', lt => '<', gt => '>', quot => '"', apos => "'");
	return map { s/&(amp|lt|gt|quot|apos);/$entity{$1}/gr } $xml =~ m{<$name>([^<]*)</$name>}g;
}

1;
