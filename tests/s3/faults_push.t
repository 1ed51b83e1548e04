# A server that fails while a file is pushed: success is told only when the object is there and right, other failures are told
# in one line, in bounded time, and the next push mends what was left.

use FindBin;
use lib "$FindBin::Bin/../lib";
use CephGateway;
use FaultProxy;
use File::Basename qw(basename);
use S3Test;

my $gateway = CephGateway->start;
my $proxy   = FaultProxy->start($gateway);
my $bucket  = $gateway->bucket('wal');
my $archive = "s3://$bucket/main";
my $server  = data_directory('server');
act_as($gateway, endpoint => $proxy->endpoint);
succeeds('an archive', 'walpush', $archive, next_segment($server));

my $html = "<html><head><title>Welcome</title></head><body>Please log in.</body></html>\n";
my $bomb = '<?xml version="1.0"?><!DOCTYPE Error [<!ENTITY a "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa">'
  . join('', map { '<!ENTITY ' . chr(97 + $_) . ' "' . ('&' . chr(96 + $_) . ';') x 40 . '">' } 1 .. 9)
  . ']><Error><Code>&j;</Code></Error>';

my $etag = { ETag => '"0123456789abcdef0123456789abcdef"' };

# Each: title, what is expected, faults for the PUT of the object. Expected: code; is, whether the object is there afterwards (when
# the code is 0: it is); most, requests at most; longest, in seconds; like, of the message; said, what is said though all is well.
my @cases = (
	[ '500 once',                         { code => 0 }, [ 'answer', status => 500, code => 'InternalError', times => 1 ] ],
	[ '500 without a body, twice',        { code => 0 }, [ 'answer', status => 500, times => 2 ] ],
	[ '503 SlowDown three times',         { code => 0 }, [ 'answer', status => 503, code => 'SlowDown', times => 3 ] ],
	[ '503 before the body is read',      { code => 0 }, [ 'answer_early', status => 503, code => 'SlowDown', end => 'reset', times => 2 ] ],
	[ '503 before it, in an orderly way', { code => 0 }, [ 'answer_early', status => 503, code => 'SlowDown', times => 2 ] ],
	[ '502 with HTML once',               { code => 0 }, [ 'answer', status => 502, body => $html, times => 1 ] ],
	[ '503 for ever',                     { code => 3, longest => 6, like => qr/503 SlowDown/ }, [ 'answer', status => 503, code => 'SlowDown' ] ],
	[ '500 for ever',                     { code => 3, longest => 6, like => qr/500/ }, [ 'answer', status => 500 ] ],
	[ '429 and one second to wait',       { code => 0, shortest => 1 },
		[ 'answer', status => 429, headers => { 'Retry-After' => 1 }, times => 1 ] ],
	[ '503 and an hour to wait', { code => 3, longest => 3, most => 1 },
		[ 'answer', status => 503, code => 'SlowDown', headers => { 'Retry-After' => 3600 } ] ],
	[ '503 and nonsense to wait', { code => 0 },
		[ 'answer', status => 503, code => 'SlowDown', headers => { 'Retry-After' => 'soon' }, times => 1 ] ],
	[ '503 and a negative time to wait', { code => 0 },
		[ 'answer', status => 503, code => 'SlowDown', headers => { 'Retry-After' => -5 }, times => 1 ] ],

	[ 'reset before the body',           { code => 0 }, [ 'cut_request', times => 1 ] ],
	[ 'reset in the middle of the body', { code => 0 }, [ 'cut_request', after => 20_000, times => 1 ] ],
	[ 'closed in the middle of it',      { code => 0 }, [ 'cut_request', after => 20_000, end => 'close', times => 1 ] ],
	[ 'reset for ever',                  { code => 3, longest => 6 }, [ 'cut_request', after => 20_000 ] ],
	[ 'the answer is lost',              { code => 0 }, [ 'lose_answer', times => 1 ] ],
	[ 'the connection closes instead of an answer', { code => 0 }, [ 'lose_answer', end => 'close', times => 1 ] ],
	[ 'all answers are lost',            { code => 3, is => 1, longest => 6 }, [ 'lose_answer' ] ],
	[ 'the request stalls',              { code => 0, longest => 6 }, [ 'stall_request', after => 100, times => 1 ] ],
	[ 'all requests stall',              { code => 3, longest => 8 }, [ 'stall_request', after => 100 ] ],
	[ 'the answer stalls',               { code => 0, longest => 6 }, [ 'stall_answer', times => 1 ] ],
	[ 'all answers stall',               { code => 3, is => 1, longest => 8 }, [ 'stall_answer' ] ],
	[ 'the answer takes a moment',       { code => 0 }, [ 'stall_answer', seconds => 0.3 ] ],

	[ 'a redirect without a region',      { code => 3, most => 1, like => qr/redirect/ }, [ 'answer', status => 307, headers => { Location => 'http://127.0.0.1:9/x' } ] ],
	[ 'a permanent one',                  { code => 3, most => 1, like => qr/redirect/ }, [ 'answer', status => 301, code => 'PermanentRedirect' ] ],
	[ 'a redirect with a region',         { code => 0, region => 'eu-west-1' },
		[ 'answer', status => 301, code => 'PermanentRedirect', headers => { 'x-amz-bucket-region' => 'eu-west-1' }, times => 1 ] ],
	[ '307 with a region and a place',    { code => 0, region => 'eu-west-1' },
		[ 'answer', status => 307, headers => { 'x-amz-bucket-region' => 'eu-west-1', Location => 'http://127.0.0.1:9/x' }, times => 1 ] ],
	[ 'the wrong region',                 { code => 0, region => 'eu-west-1' },
		[ 'answer', status => 400, code => 'AuthorizationHeaderMalformed', elements => '<Region>eu-west-1</Region>', times => 1 ] ],
	[ 'a region that is none',            { code => 3, most => 1 },
		[ 'answer', status => 301, headers => { 'x-amz-bucket-region' => '../../evil' } ] ],
	[ 'the same region again and again',  { code => 3, most => 3 },
		[ 'answer', status => 301, headers => { 'x-amz-bucket-region' => 'eu-west-1' } ] ],

	[ "the server's clock is two hours ahead",  { code => 0, said => qr/clock is \d+ seconds behind/ }, [ 'clock', seconds => 7200 ] ],
	[ "the server's clock is two hours behind", { code => 0, said => qr/clock is \d+ seconds ahead/ }, [ 'clock', seconds => -7200 ] ],
	[ 'it says so though the clock is right',   { code => 3, most => 2, like => qr/clock/ }, [ 'answer', status => 403, code => 'RequestTimeTooSkewed' ] ],
	[ 'the token has expired',                  { code => 3, most => 2, like => qr/expired/ }, [ 'answer', status => 400, code => 'ExpiredToken' ] ],
	[ 'what is sent is forbidden',              { code => 3, most => 1, like => qr/403 AccessDenied/ }, [ 'answer', status => 403, code => 'AccessDenied' ] ],
	[ 'the quota is used up',                   { code => 6, most => 1, like => qr/quota/ }, [ 'answer', status => 403, code => 'QuotaExceeded' ] ],
	[ 'the storage is full',                    { code => 6, most => 1, like => qr/full/ }, [ 'answer', status => 507 ] ],

	[ '200 with a page of HTML',        { code => 3, like => qr/S3 server/ }, [ 'answer', status => 200, body => $html, headers => { 'Content-Type' => 'text/html' } ] ],
	[ '200 with nothing',               { code => 3, like => qr/S3 server/ }, [ 'answer', status => 200 ] ],
	[ '204 with nothing',               { code => 3, like => qr/S3 server/ }, [ 'answer', status => 204 ] ],
	[ '200 with an ETag and a page of HTML', { code => 3, like => qr/S3 server/ }, [ 'answer', status => 200, body => $html, headers => $etag ] ],
	(map { [ "$_ with an ETag",     { code => 3, like => qr/S3 server/ }, [ 'answer', status => $_, headers => $etag ] ] } 202, 203, 206, 299),
	[ '200 with a page without end',    { code => 3, longest => 6 }, [ 'endless', status => 200, body => $html ] ],
	[ '404 with a page of HTML',        { code => 3, most => 1 }, [ 'answer', status => 404, body => $html ] ],
	[ '404 NoSuchKey for a PUT',        { code => 3, most => 1 }, [ 'answer', status => 404, code => 'NoSuchKey' ] ],
	[ '404 NoSuchBucket',               { code => 3, most => 1, like => qr/bucket does not exist/ }, [ 'answer', status => 404, code => 'NoSuchBucket' ] ],
	[ '304 for a PUT',                            { code => 3, most => 1 }, [ 'answer', status => 304 ] ],
	[ '400 with rubbish',               { code => 3, most => 1 }, [ 'answer', status => 400, body => "<Error><Code>x\0\xff</Error" ] ],
	[ '403 with a bomb of entities',    { code => 3, most => 1, longest => 6 }, [ 'answer', status => 403, body => $bomb ] ],
	[ '403 with a message without end', { code => 3, longest => 6 }, [ 'endless', status => 403, body => '<Error><Code>AccessDenied</Code><Message>', filler => 'a' ] ],
	[ '403 with line breaks in it',     { code => 3 }, [ 'answer', status => 403, body => "<Error><Code>AccessDenied</Code><Message>one\nwalpush: error: two\r\e[1mthree</Message></Error>" ] ],
	[ 'a head without end',             { code => 3, longest => 6 }, [ 'answer', status => 200, headers => { 'X-Long' => 'a' x 300_000 } ] ],
	[ 'an answer longer than it says',  { code => 0 }, [ 'wrong_length', by => -1, times => 1 ] ],
	[ 'an answer shorter than it says', { code => 0, longest => 6 }, [ 'wrong_length', by => 100 ] ],
	[ 'another write is on its way',    { code => 0 }, [ 'answer', status => 409, code => 'ConditionalRequestConflict', times => 2 ] ],
	[ 'it exists, says the server, though it does not', { code => 3 }, [ 'answer', status => 412, code => 'PreconditionFailed' ] ],

	[ 'a bit of the head changes on its way',    { code => 0 }, [ 'flip_request', at => 30, times => 1 ] ],
	[ 'a bit of the content changes on its way', { code => 0 }, [ 'flip_request', at => 20_000, times => 2 ] ],
	[ 'bits change for ever',                    { code => 3, longest => 6, like => qr/changed on its way|SHA256/ }, [ 'flip_request', at => 20_000 ] ],
);

for my $case (@cases)
{
	$case->[3] = next_segment($server);
	$case->[4] = basename($case->[3]) . '.zst';
	my ($fault, @how) = @{ $case->[2] };
	$proxy->fault($fault, method => 'PUT', path => qr/$case->[4]/, @how);
}

sub presence
{
	my ($object) = @_;
	my $head = $gateway->head($bucket, "main/$object");
	return $head ? 1 : 0;
}

sub judge
{
	my ($case, $run) = @_;
	my ($title, $expected, undef, $file, $object) = @$case;
	my @wrong;
	push @wrong, one_error($run, 'walpush', $expected->{code}, $expected->{like}) if $expected->{code} != 0;
	push @wrong, "exit code $run->{code}" if $expected->{code} == 0 && $run->{code} != 0;
	my $said = $expected->{said} ? qr/\Awalpush: warning: .*$expected->{said}.*\n\z/ : qr/\A\z/;
	push @wrong, "said: $run->{err}" if $expected->{code} == 0 && $run->{err} !~ $said;
	push @wrong, "took $run->{seconds} s" if late($run, $expected->{longest} // 10) || $run->{seconds} < ($expected->{shortest} // 0);
	my @puts = $proxy->requests('PUT', qr/$object/);
	push @wrong, scalar(@puts) . ' requests' if @puts > ($expected->{most} // 12);
	push @wrong, 'signed for the wrong region' if $expected->{region} && $puts[-1]{headers}{authorization} !~ m{/$expected->{region}/s3/};
	my $there = $expected->{code} == 0 || $expected->{is} ? 1 : 0;
	push @wrong, 'the object is ' . ($there ? 'not ' : '') . 'there' if presence($object) != $there;
	ok(!@wrong, $title) or diag(join "\n", @wrong, told_all($run));
	return;
}

my @left = @cases;
while (my @some = splice @left, 0, 30)
{
	my @runs = together(map { [ 'walpush', '--timeout=2s', $archive, $_->[3] ] } @some);
	judge($some[$_], $runs[$_]) for 0 .. $#some;
}
$proxy->clear;
succeeds('all of them are pushed again', 'walpush', $archive, map { $_->[3] } @cases);
is(join(' ', grep { fetched($archive, $_->[3]) ne '' } @cases), '', '... and come back');

# ---- the requests before: whose archive is it, what can the server do

my $count = 0;
my %stage = (
	'the identity is read'    => [ GET => '/\.waltools/archive' ],
	'a list is read'          => [ GET => 'list-type' ],
	'the server is tried'     => [ PUT => '/\.waltools/probe' ],
	'the identity is written' => [ PUT => '/\.waltools/archive' ],
);
my @failures = (
	[ '503 for ever',            'answer', status => 503, code => 'SlowDown' ],
	[ 'connections are reset',   'cut_request' ],
	[ 'answers are lost',        'lose_answer' ],
	[ 'nothing answers',         'stall_answer' ],
	[ '200 with a page of HTML', 'answer', status => 200, body => $html ],
	[ '200 with nothing',        'answer', status => 200 ],
	[ '404 with a page of HTML', 'answer', status => 404, body => $html ],
	[ '404 with nothing',        'answer', status => 404 ],
	[ '403',                     'answer', status => 403, code => 'AccessDenied' ],
	[ 'an answer without end',   'endless', status => 200, body => '<ListBucketResult>', headers => { ETag => '"x"' } ],
);
my @firsts = map { my $stage = $_; map { [ $stage, $_, 'first' . ++$count, next_segment($server) ] } @failures } sort keys %stage;
my @hopeless = grep { !($_->[0] =~ /written/ && $_->[1][0] eq 'answers are lost') } @firsts;
for my $first (@firsts)
{
	my ($method, $path) = @{ $stage{ $first->[0] } };
	my (undef, $fault, %how) = @{ $first->[1] };
	delete $how{headers} if $method eq 'PUT';    # with an ETag, that is what a write is answered
	my $where = $first->[0] =~ /list/ ? qr/list-type.*prefix=$first->[2]%2F/ : qr{/$first->[2]$path};
	$proxy->fault($fault, method => $method, path => $where, %how);
}
@left = @hopeless;
while (my @some = splice @left, 0, 30)
{
	my @runs = together(map { [ 'walpush', '--timeout=1s', "s3://$bucket/$_->[2]", $_->[3] ] } @some);
	for (0 .. $#some)
	{
		my ($stage, $failure, $prefix, $file) = @{ $some[$_] };
		my @wrong = one_error($runs[$_], 'walpush', 3);
		push @wrong, 'took too long' if late($runs[$_], 6);
		push @wrong, 'the segment is there' if grep { m{/0} } $gateway->objects($bucket, "$prefix/");
		ok(!@wrong, "$stage: $failure->[0]") or diag(join "\n", @wrong, told_all($runs[$_]));
	}
}
$proxy->clear;
for my $first (@hopeless)
{
	my $run = run('walpush', "s3://$bucket/$first->[2]", $first->[3]);
	ok($run->{code} == 0 && fetched("s3://$bucket/$first->[2]", $first->[3]) eq '', "afterwards it goes in: $first->[0], $first->[1][0]")
	  or diag(told_all($run));
}

for my $stage (sort keys %stage)
{
	my ($method, $path) = @{ $stage{$stage} };
	my $file = next_segment($server);
	for my $fault ([ 'lose_answer' ], [ 'cut_request' ], [ 'answer', status => 503, code => 'SlowDown' ], ['cut_answer', end => 'reset'])
	{
		my $prefix = 'once' . ++$count;
		$proxy->fault(@$fault, method => $method, path => $stage =~ /list/ ? qr/list-type/ : qr{/$prefix$path}, times => 1);
		succeeds("$stage: once $fault->[0]", 'walpush', "s3://$bucket/$prefix", $file);
		is(fetched("s3://$bucket/$prefix", $file), '', '... and it comes back');
		$proxy->clear;
	}
}

done_testing;
