# The servers that tests of S3-compatible storage run against are what they say: Ceph's gateway, certificates, the proxy's
# faults, Swift. And nothing of them outlives a test.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";
use CephGateway;
use FaultProxy;
use SwiftServer;
use Test::More;
use TestCertificates;
use WalTest;

my $certificates = TestCertificates->new;
my $gateway      = CephGateway->start(tls => $certificates->bundle('good'), dns_name => 's3.localhost');
my $proxy        = FaultProxy->start($gateway);
my $bucket       = $gateway->bucket('wal');
my $content      = join '', map { "$_\n" } 1 .. 20_000;
my $file         = spew(scratch() . '/content', $content);
my @headers      = qw(-D -);

# An independent client of S3.
sub curl
{
	my (@arguments) = @_;
	return run(
		'curl', '-sS', '--cacert', $certificates->authority, '--aws-sigv4', 'aws:amz:us-east-1:s3',
		'-u', $gateway->access_key . ':' . $gateway->secret_key,
		'-H', 'x-amz-content-sha256: UNSIGNED-PAYLOAD', @arguments
	);
}

sub status
{
	my (@arguments) = @_;
	return curl('-w', '%{http_code}', '-o', '/dev/null', @arguments)->{out};
}

# ---- the gateway

{
	my $key = q(a/b c+d&%?#~'"\xc3\xa9..//x);
	$gateway->put($bucket, $key, $content, 'x-amz-meta-color' => 'red');
	is($gateway->get($bucket, $key), $content, 'an object comes back');
	is($gateway->head($bucket, $key)->{'x-amz-meta-color'}, 'red', 'with its metadata');
	is_deeply([ $gateway->objects($bucket) ],         [$key], 'it is listed');
	is_deeply([ $gateway->objects($bucket, 'none') ], [],     'below its prefix alone');
	$gateway->delete($bucket, $key);
	is($gateway->get($bucket, $key), undef, 'and gone when it is deleted');

	$gateway->put($bucket, sprintf('many/%04d', $_), '') for 1 .. 5;
	my $page = $gateway->client->must('GET', $bucket, '', query => { 'max-keys' => 2 })->{content};
	is(scalar(my @keys = S3Client::elements('Key', $page)), 2, 'lists have pages');
	is(scalar(my @all = $gateway->objects($bucket, 'many/')), 5, 'and are read to their end');
	$gateway->delete($bucket, $_) for @all;
}

{
	my %condition = (headers => { 'if-none-match' => '*' });
	my $once      = sub { $gateway->client->request('PUT', $_[0], 'once', content => $_[1], %condition)->{status} };
	is($once->($bucket, 'first'),  200,     'If-None-Match: the first is stored');
	is($once->($bucket, 'second'), 412,     'the second is refused');
	is($gateway->get($bucket, 'once'), 'first', 'and changes nothing');
	my $versioned = $gateway->bucket('versioned', versioning => 'Enabled');
	is($once->($versioned, $_), 200, 'with versioning the condition is ignored') for 1, 2;
	is(scalar(my @versions = $gateway->versions($versioned)), 2, 'there are versions');
	my $locked = $gateway->bucket('locked', object_lock => { mode => 'GOVERNANCE', days => 1 });
	$gateway->put($locked, 'kept', 'content');
	my ($version) = map { (split)[1] } $gateway->versions($locked);
	is($gateway->client->request('DELETE', $locked, 'kept', query => { versionId => $version })->{status}, 403, 'object lock');
}

{
	my $sse = sub { my %header = @_; map { ("x-amz-server-side-encryption$_" => $header{$_}) } keys %header };
	my $secret   = 'k' x 32;
	my %customer = $sse->(
		'-customer-algorithm' => 'AES256',
		'-customer-key'       => MIME::Base64::encode_base64($secret, ''),
		'-customer-key-md5'   => MIME::Base64::encode_base64(Digest::MD5::md5($secret), ''),
	);
	$gateway->put($bucket, 'customer', $content, %customer);
	is($gateway->get($bucket, 'customer', %customer), $content, 'SSE-C with its key');
	is($gateway->client->request('GET', $bucket, 'customer')->{status}, 400, 'and without');
	$gateway->put($bucket, 'kms', $content, $sse->('' => 'aws:kms', '-aws-kms-key-id' => $gateway->kms_key));
	is($gateway->head($bucket, 'kms')->{'x-amz-server-side-encryption'}, 'aws:kms', 'SSE-KMS');
}

{
	my $other = $gateway->create_user('other');
	is($other->request('GET', $bucket, 'once')->{status}, 403, 'another user may not read');
	my $wrong = S3Client->new(endpoint => $gateway->endpoint, access_key => $gateway->access_key, secret_key => 'wrong');
	like($wrong->request('GET', $bucket, 'once')->{content}, qr/SignatureDoesNotMatch/, 'nor one with a wrong key');
	my $late = S3Client->new(%{ $gateway->client }, clock => -20 * 60);
	like($late->request('GET', $bucket, 'once')->{content}, qr/RequestTimeTooSkewed/, 'nor one whose clock is wrong');
	my $environment = $gateway->environment(endpoint => 'http://elsewhere');
	is($environment->{AWS_SECRET_ACCESS_KEY}, $gateway->secret_key, 'the environment for a program has the keys');
	is($environment->{AWS_ENDPOINT_URL},      'http://elsewhere',   'and the endpoint that is asked for');
}

{
	my ($plain, $tls) = ($gateway->port, $gateway->tls_port);
	is(status("http://$bucket.s3.localhost:$plain/once"),  200, 'virtual-host names');
	is(status("https://$bucket.s3.localhost:$tls/once"), 200, 'over TLS too');
	is(status($gateway->tls_endpoint . "/$bucket/once"),   200, 'path style over TLS');
}

{
	my $address = $gateway->endpoint . "/$bucket/once";
	$gateway->suspend;
	is(curl('-m', 0.3, $address)->{code}, 28, 'a suspended gateway does not answer');
	$gateway->resume;
	is(status($address), 200, 'until it goes on');
	$gateway->kill;
	is(curl($address)->{code}, 7, 'nobody listens where the gateway was');
	$gateway->restart;
	is($gateway->get($bucket, 'once'), 'first', 'what was stored is there after a restart');
}

{
	my $with_tokens = CephGateway->start(sts => 1);
	isnt($with_tokens->port, $gateway->port, 'two gateways have two ports');
	$with_tokens->bucket('wal');
	my $session = $with_tokens->session(2);
	$session->put('wal', 'guest', 'content');
	is($with_tokens->get('wal', 'guest'), 'content', 'a token of STS opens');
	ok((wait_until { $session->request('GET', 'wal', 'guest')->{status} == 403 } 10), 'for its time');
	$with_tokens->stop;
}

# ---- certificates

for my $expected ([ good => 0 ], map { [ $_ => 60 ] } qw(expired future wrong_name self_signed stranger))
{
	my ($kind, $code) = @$expected;
	my $over_tls = FaultProxy->start($gateway, tls => $certificates->bundle($kind));
	is(curl($over_tls->endpoint . "/$bucket/once")->{code}, $code, "certificate: $kind");
	$over_tls->stop;
}

# ---- faults: name, parameters, curl's exit code and arguments, what else must hold

$gateway->put($bucket, 'lines', $content);
my $damaged = $content;
substr($damaged, 5000, 1) ^= "\1";
my @put = ('-T', $file);

sub stored  { return ($gateway->get($bucket, 'new') // '') eq $content }
sub unknown { return !defined $gateway->get($bucket, 'new') }

my @faults = (
	[ 'answer', { status => 503, code => 'SlowDown', headers => { 'Retry-After' => 7 } }, 0, [ @put, @headers ],
		sub { $_[0] =~ m{^HTTP/1.1 503 .*^Retry-After: 7\r.*<Code>SlowDown<}ms && unknown() } ],
	[ 'answer', { body => '<html>sign in' }, 0, [], sub { $_[0] eq '<html>sign in' } ],
	[ 'answer', { code => 'InternalError' }, 0, [@headers], sub { $_[0] =~ m{^HTTP/1.1 200.*<Code>InternalError<}s } ],
	[ 'answer', { status => 301, headers => { 'x-amz-bucket-region' => 'eu-west-3' } }, 0, [@headers],
		sub { $_[0] =~ m{^HTTP/1.1 301.*x-amz-bucket-region: eu-west-3\r}s } ],
	[ 'answer_early', { status => 503, code => 'SlowDown' }, 0, \@put, sub { $_[0] =~ /SlowDown/ && unknown() } ],
	[ 'cut_request', { after => 5000 }, qr/^5[56]$/, \@put, \&unknown ],
	[ 'cut_request', { after => 5000, end => 'close' }, 52, \@put, \&unknown ],
	[ 'stall_request', { after => 5000 }, 28, [ @put, '-m', 0.3 ], \&unknown ],
	[ 'stall_request', { after => 5000, seconds => 0.1 }, 0, \@put, \&stored ],
	[ 'flip_request', { at => 5000 }, 0, \@put, sub { $gateway->get($bucket, 'new') eq $damaged } ],
	[ 'lose_answer', {}, 56, \@put, \&stored ],
	[ 'lose_answer', { end => 'close' }, 52, \@put, \&stored ],
	[ 'stall_answer', {}, 28, [ @put, '-m', 0.5 ], \&stored ],
	[ 'cut_answer', { after => 5000 }, 18, [], sub { $_[0] eq substr $content, 0, 5000 } ],
	[ 'cut_answer', { after => 5000, end => 'reset' }, 56, [] ],
	[ 'flip_answer', { at => 5000 }, 0, [], sub { $_[0] eq $damaged } ],
	[ 'trickle', { bytes_per_second => 5000 }, 28, [ '-m', 0.6 ], sub { length $_[0] >= 500 && length $_[0] < 5000 } ],
	[ 'trickle', { bytes_per_second => 1_000_000 }, 0, [], sub { $_[0] eq $content } ],
	[ 'wrong_length', { by => 10 }, 28, [ '-m', 0.5 ], sub { $_[0] eq $content } ],
	[ 'wrong_length', { by => -10 }, 0, [], sub { $_[0] eq substr $content, 0, -10 } ],
	[ 'endless', { body => '<List>', filler => '<Key>a</Key>' }, 28, [ '-m', 0.3 ], sub { length $_[0] > 1_000_000 } ],
	[ 'edit_answer', { pattern => '^1\n2', replacement => 'one', headers => { ETag => undef } }, 0, [@headers],
		sub { $_[0] =~ /\r\n\r\none\n3\n/ && $_[0] !~ /ETag/i } ],
);

for my $case (@faults)
{
	my ($fault, $parameters, $code, $arguments, $holds) = @$case;
	my $key = grep({ $_ eq '-T' } @$arguments) ? 'new' : 'lines';
	my $title = join ' ', $fault, map { ref $parameters->{$_} ? $_ : "$_=$parameters->{$_}" } sort keys %$parameters;
	$gateway->delete($bucket, 'new');
	$proxy->clear;
	$proxy->fault($fault, path => qr/\b$key$/, %$parameters, times => 1);
	my $run = curl(@$arguments, $proxy->endpoint . "/$bucket/$key");
	like($run->{code}, ref $code ? $code : qr/^$code$/, "$title: curl's exit code") or diag($run->{err});
	ok(!$holds || $holds->($run->{out}), 'what it says and what is stored');
	is(($proxy->requests)[0]{fault}, $fault, 'the proxy remembers it');
	is(status($proxy->endpoint . "/$bucket/lines"), 200, 'the next request has no fault');
}

# ---- more about the proxy

{
	$proxy->clear;
	my @address = map { $proxy->endpoint . "/$bucket/$_" } qw(lines once lines);
	$proxy->fault('answer', method => 'GET', path => 'lines', skip => 1, times => 1, status => 400, code => 'ExpiredToken');
	my $number = $proxy->fault('answer', header => 'x-color', status => 501);
	is(curl('-w', '%{http_code} ', map({ ('-o', '/dev/null') } @address), @address)->{out}, '200 200 400 ', 'skip and times');
	is_deeply([ map { $_->{fault} } $proxy->requests ], [qw(none none answer)], 'requests in their order');
	is((grep { $_->{connection} != ($proxy->requests)[0]{connection} } $proxy->requests), 0, 'all over one connection');
	is(status('-H', 'x-color: red', $address[1]), 501, 'a fault for requests with a header');
	$proxy->withdraw($number);
	is(status('-H', 'x-color: red', $address[1]), 200, 'withdrawn');
	status(@put, $proxy->endpoint . "/$bucket/new");
	is($proxy->request_count('PUT'), 1, 'requests are counted by method');
	is(status('-H', 'Transfer-Encoding: chunked', @put, "$address[0].chunked"), 411, 'what S3 does not take is refused');
	is($proxy->request_count(undef, qr/once/), 3, 'and by path');
	is(($proxy->requests('PUT'))[0]{received}, length $content, 'with the size of the body');
	is((($proxy->requests('GET'))[0]{sent}), length $content, 'and of the answer');
	$proxy->clear;
	is($proxy->request_count, 0, 'until they are forgotten');
	ok(!eval { $proxy->fault('mistyped') }, 'there is no fault but those');
}

{
	my $through = sub { S3Client->new(%{ $gateway->client }, endpoint => $proxy->endpoint, @_) };
	my $get     = sub { $through->(@_)->request('GET', $bucket, 'lines') };
	$proxy->fault('clock', seconds => 86400);
	my $refused = $get->();
	like($refused->{content}, qr/RequestTimeTooSkewed/, "a server's clock is off");
	my $date = eval { HTTP::Tiny->new->_parse_http_date($refused->{headers}{date}) } // 0;
	cmp_ok(abs($date - time - 86400), '<', 60, 'it says by how much');
	is($get->(clock => 86400)->{content}, $content, 'who adjusts to it is served');
	is($get->(clock => 86400, secret_key => 'wrong')->{status}, 403, 'with the right key only');

	$proxy->clear;
	my %condition = (headers => { 'if-none-match' => '*' });
	my $put_once  = sub { $through->()->request('PUT', $bucket, 'once', content => $_[0], %condition)->{status} };
	is($put_once->('second'), 412, 'If-None-Match passes the proxy');
	$proxy->fault('ignore_header', header => 'if-none-match');
	is($put_once->('third'), 200, 'and a server that does not know it can be had');
	is($gateway->get($bucket, 'once'), 'third', 'it overwrites');

	$proxy->clear;
	$proxy->fault('same_page', path => 'list-type=2');
	my @page = map { $through->()->request('GET', $bucket, '', query => { 'list-type' => 2, %$_ })->{content} }
	  {}, { 'continuation-token' => 'more' };
	like($page[0], qr/<IsTruncated>true<.*<NextContinuationToken>more</s, 'a page that says that more follows');
	is($page[1], $page[0], 'is all that follows');
}

# ---- Swift

SKIP:
{
	my $why_not = SwiftServer->why_not;
	skip $why_not, 6 if $why_not;
	my $swift  = SwiftServer->start;
	my $strict = $swift->client;
	$swift->bucket('wal');
	$swift->put('wal', 'a key', $content);
	is($swift->get('wal', 'a key'), $content, 'Swift: an object comes back');
	is_deeply([ $swift->objects('wal', 'a') ], ['a key'], 'it is listed');
	is($strict->request('PUT', 'wal', 'a key', content => '', headers => { 'if-none-match' => '*' })->{status}, 501,
		'If-None-Match is not known');
	is(S3Client->new(%$strict, region => 'eu-west-3')->request('GET', 'wal', 'a key')->{status}, 400, 'the region must be right');
	is($strict->request('POST', 'wal', '', query => { delete => '' }, content => '<Delete/>')->{status}, 400, 'Content-MD5 is missed');
	$proxy->stop;
	$proxy = FaultProxy->start($swift);
	is(S3Client->new(%$strict, endpoint => $proxy->endpoint)->get('wal', 'a key'), $content, 'a proxy before it');
	$swift->stop;
}

# ---- nothing is left

sub left { return grep { (eval { slurp("$_/cmdline") } // '') =~ /\Q$_[0]\E/ } glob '/proc/[0-9]*' }

{
	my $there = scratch('other');
	my $program = spew(scratch() . '/killed', <<'EOT');
use CephGateway; use FaultProxy; use WalTest;
my $gateway = CephGateway->start; my $proxy = FaultProxy->start($gateway);
spew("$ENV{TMPDIR}/ready", ''); sleep 60;
EOT
	my $test = ServerProcess->start(
		name    => 'test',
		command => [ $^X, "-I$FindBin::Bin/../lib", $program ],
		env     => { TMPDIR => $there },
	);
	$test->wait_for('two servers', sub { -e "$there/ready" });
	is(scalar(left("$there/")), 4, 'monitor, OSD, gateway and proxy run');
	kill 'KILL', $test->pid;
	ok((wait_until { !left("$there/") } 10), 'they go when the test is killed');
}
{
	$gateway->stop;
	$proxy->stop;
	is_deeply([ left(scratch()) ], [], 'and when they are stopped');
}

done_testing();
