# Settings of S3: what they change, where they are refused, and that a secret is never seen.

use FindBin;
use lib "$FindBin::Bin/../lib";
use CephGateway;
use FaultProxy;
use File::Basename qw(basename);
use MIME::Base64 qw(encode_base64);
use S3Test;
use WalRace;

my $gateway = CephGateway->start;
my $proxy   = FaultProxy->start($gateway);
my $bucket  = $gateway->bucket('wal');
my $archive = "s3://$bucket/main";
my $server  = data_directory('server');
my $secret  = $gateway->secret_key;
act_as($gateway, endpoint => $proxy->endpoint);
succeeds('an archive', 'walpush', $archive, next_segment($server));

# The headers of the request that has made the object.
sub pushed_with
{
	my ($title, @options) = @_;
	my $file = next_segment($server);
	$proxy->clear;
	succeeds($title, 'walpush', @options, $archive, $file);
	my ($put) = $proxy->requests('PUT', qr/${\basename($file)}/);
	return ($put ? $put->{headers} : {}, $file);
}

# ---- what an object is given

{
	my ($sent, $file) = pushed_with('a storage class', '--s3-storage-class=STANDARD');
	is($sent->{'x-amz-storage-class'}, 'STANDARD', '... is sent');
	($sent) = pushed_with('no storage class');
	ok(!exists $sent->{"x-amz-$_"}, "... none is sent, nor $_") for qw(storage-class tagging server-side-encryption request-payer);
	$file = next_segment($server);
	refuses('a storage class that the server does not have', { code => 3 }, 'walpush', '--s3-storage-class=NONSENSE', $archive, $file);

	($sent, $file) = pushed_with('tags', '--s3-tags=keep=a%20year&cluster=main');
	my $tags = $gateway->client->must('GET', $bucket, 'main/' . basename($file) . '.zst', query => { tagging => '' })->{content};
	like($tags, qr{<Key>cluster</Key><Value>main</Value>}, '... are there');
	like($tags, qr{<Key>keep</Key><Value>a year</Value>},  '... decoded');

	($sent, $file) = pushed_with("encryption by the server's key", '--s3-encryption=AES256');
	is($sent->{'x-amz-server-side-encryption'}, 'AES256', '... is asked for');
	is(fetched($archive, $file), '', '... and it comes back');

	my $kms = $gateway->kms_key;
	($sent, $file) = pushed_with('encryption by a key that the server keeps', '--s3-encryption=aws:kms', "--s3-kms-key=$kms");
	my $head = $gateway->head($bucket, 'main/' . basename($file) . '.zst');
	is($head->{'x-amz-server-side-encryption'}, 'aws:kms', '... is done');
	is($head->{'x-amz-server-side-encryption-aws-kms-key-id'}, $kms, '... with that key');
	is(fetched($archive, $file), '', '... and it comes back');
	succeeds('... and again', 'walpush', '--s3-encryption=aws:kms', "--s3-kms-key=$kms", $archive, $file);

	for my $program ([ 'walpush', next_segment($server) ], [ 'walfetch', basename($file), scratch() . '/fetched' ], [ 'walclean', segment_name(number => 1) ])
	{
		my ($command, @operands) = @$program;
		$proxy->clear;
		run($command, '--s3-requester-pays=yes', $archive, @operands);
		is(join(' ', grep { ($_->{headers}{'x-amz-request-payer'} // '') ne 'requester' } $proxy->requests), '', "$command pays for all requests");
		cmp_ok($proxy->request_count, '>', 0, '... of which there are some');
	}
}

# ---- with a key of one's own

{
	my $own = "s3://$bucket/own";
	my @good  = pack 'C*', map { $_ * 7 & 255 } 1 .. 32;
	my $key   = sub { my ($name, $mode, @content) = @_; my $path = spew(scratch() . "/$name", @content); chmod $mode, $path; return $path };
	my $right = $key->('right.key', 0600, $good[0]);
	my $other = $key->('other.key', 0600, 'x' x 32);
	my $text  = $key->('text.key', 0600, encode_base64($good[0]));
	my $file  = next_segment($server);
	my @with  = ("--s3-customer-key-file=$right");
	succeeds('a key of 32 bytes', 'walpush', @with, $own, $file);
	is(fetched($own, $file, @with), '', '... and it comes back');
	is(fetched($own, $file, "--s3-customer-key-file=$text"), '', '... with its base64 too');
	ok(!eval { $gateway->get($bucket, 'own/' . basename($file) . '.zst') }, '... and not without');
	succeeds('the same again', 'walpush', @with, $own, $file);
	refuses('other content is refused', { code => 4 }, 'walpush', @with, $own,
		put_segment(data_directory('server2'), number => hex(substr basename($file), 16), seed => 2));
	is(run('walfetch', @with, $own, segment_name(number => 9999), '-')->{code}, 1, 'what is absent is absent');
	succeeds('it is cleaned', 'walclean', @with, $own, segment_name(number => 1));
	my $pitr = recovering('pitr');
	for my $wrong ([ 'no key' ], [ 'the wrong key', "--s3-customer-key-file=$other" ])
	{
		my ($what, @option) = @$wrong;
		refuses("$what: push", { code => 3 }, 'walpush', '--timeout=1s', '--cache=none', @option, $own, next_segment($server));
		refuses("$what: fetch", { code => 3 }, 'walfetch', '--timeout=1s', @option, $own, basename($file), scratch() . '/fetched');
		is(run({ cwd => $pitr }, 'walfetch', '--timeout=1s', @option, $own, basename($file), 'pg_wal/RECOVERYXLOG')->{code}, 254, '... a recovery is stopped');
	}
	for my $case (
		[ 'is not there',          '/nonexistent/key' ],
		[ 'can be read by others', $key->('open.key',  0644, $good[0]) ],
		[ 'can be read by the group', $key->('group.key', 0640, $good[0]) ],
		[ 'is too short',          $key->('short.key', 0600, 'x' x 31) ],
		[ 'is too long',           $key->('long.key',  0600, 'x' x 33) ],
		[ 'is much too long',      $key->('huge.key',  0600, 'x' x 100_000) ],
		[ 'is empty',              $key->('empty.key', 0600, '') ],
		[ 'holds another base64',  $key->('base.key',  0600, encode_base64('x' x 31)) ],
		[ 'is a directory',        do { my $path = scratch('keys'); chmod 0700, $path; $path } ],
	  )
	{
		my ($what, $path) = @$case;
		refuses("a key file that $what", { code => 2, like => qr/s3-customer-key-file/ }, 'walpush', "--s3-customer-key-file=$path", $own, $file);
	}
	refuses('two kinds of encryption', { code => 2, like => qr/exclude/ }, 'walpush', @with, '--s3-encryption=AES256', $own, $file);
	refuses('a key without its encryption', { code => 2, like => qr/s3-kms-key/ }, 'walpush', '--s3-kms-key=x', $own, $file);
	my $large = next_segment($server, size => 16 * MB);
	my $run = run('walpush', @with, '--compress=none', '--s3-part-size=5MiB', $own, $large);
	is($run->{code}, 0, 'in parts') or diag($run->{err});
	is(fetched($own, $large, @with, '--compress=none'), '', '... and it comes back');
}

# ---- how fast, how often

{
	my $file = next_segment($server, variety => 1400);
	my $slow = run('walpush', '--compress=none', '--limit-rate=500kB', $archive, $file);
	is($slow->{code}, 0, '1 MB with 500 kB a second') or diag($slow->{err});
	cmp_ok($slow->{seconds}, '>', 1, '... takes its time');
	in_time($slow, 6);
	$slow = run('walfetch', '--compress=none', '--limit-rate=500kB', $archive, basename($file), scratch() . '/slow');
	is($slow->{code}, 0, '... fetched') or diag($slow->{err});
	cmp_ok($slow->{seconds}, '>', 1, '... takes its time');
	in_time($slow, 6);

	$slow = run('walpush', '--compress=none', '--limit-rate=200kB', '--timeout=2s', "s3://$bucket/slow", $file);
	is($slow->{code}, 0, 'pauses of our own are no silence of the server') or diag(told_all($slow));
	$slow = run('walfetch', '--compress=none', '--limit-rate=200kB', '--timeout=2s', "s3://$bucket/slow", basename($file), scratch() . '/slow');
	is($slow->{code}, 0, '... nor in a fetch') or diag(told_all($slow));
	refuses("as slow as $_", { code => 2, like => qr/limit-rate must be/ }, 'walpush', "--limit-rate=$_", $archive, $file) for 1, 1000, '15kB';

	for my $retries (0, 2)
	{
		$proxy->clear;
		$proxy->fault('answer', status => 503, code => 'SlowDown');
		my $next = next_segment($server);
		refuses("retries: $retries", { code => 3 }, 'walpush', "--retries=$retries", $archive, $next);
		is($proxy->request_count, $retries + 1, '... and no more requests');
	}
	$proxy->clear;
}

# ---- the configuration file

{
	my $keys = 's3-access-key = ' . $gateway->access_key . "\ns3-secret-key = $secret\n";
	my $text = "[main]\narchive = $archive\ns3-endpoint = " . $gateway->endpoint . "\ns3-region = us-east-1\n";
	my %env  = map { $_ => undef } grep { /^AWS_/ } keys %ENV;
	my $conf = spew(scratch() . '/waltools.conf', $text, $keys);
	my $file = next_segment($server);
	for my $mode (0644, 0640, 0604)
	{
		chmod $mode, $conf;
		refuses(sprintf('a secret in a file of mode %04o', $mode), { code => 2, env => \%env, like => qr/chmod 600/ }, 'walpush', "--config=$conf", 'main', $file);
	}
	chmod 0600, $conf;
	succeeds('... and of mode 0600', { env => \%env }, 'walpush', "--config=$conf", 'main', $file);
	is(run({ env => \%env }, 'walfetch', "--config=$conf", 'main', basename($file), '-')->{out} eq slurp($file), 1, '... it comes back');
	succeeds('... it is cleaned', { env => \%env }, 'walclean', "--config=$conf", 'main', segment_name(number => 1));
	my $half = spew(scratch() . '/half.conf', $text, 's3-access-key = ' . $gateway->access_key . "\n");
	chmod 0600, $half;
	refuses('one key of two', { code => 2, env => \%env, like => qr/s3-secret-key/ }, 'walpush', "--config=$half", 'main', $file);
	refuses("no option gives a secret: --$_", { code => 2 }, 'walpush', "--$_=x", $archive, $file) for qw(s3-secret-key s3-access-key s3-session-token);
	refuses("no variable gives a secret: $_", { code => 2, env => { $_ => 'x' } }, 'walpush', $archive, $file) for 'WALTOOLS_S3_SECRET_KEY';
}

# ---- what is no setting

for my $case ([ 's3-addressing', 'x' ], [ 's3-encryption', 'rot13' ], [ 's3-requester-pays', 'maybe' ], [ 's3-plain-http', '1' ], [ 'retries', '-1' ],
	[ 'retries', 'x' ], [ 'limit-rate', 'fast' ], [ 's3-part-size', '1MiB' ])
{
	my ($name, $value) = @$case;
	refuses("$name=$value", { code => 2, like => qr/$name/ }, 'walpush', "--$name=$value", $archive, next_segment($server));
}

# ---- the secret is never seen

# Whether a program (one that only waits, without) dies of the signal with a core dump.
sub left_core
{
	my ($signal, @command) = @_;
	my $pid = fork // die "fork: $!";
	if (!$pid)
	{
		chdir scratch();
		open STDERR, '>', '/dev/null';
		exec 'sh', '-c', 'ulimit -c unlimited; exec "$@"', 'sh', @command ? @command : ('sleep', 60);
	}
	ok((wait_until { @command ? $proxy->request_count > 0 : slurp("/proc/$pid/comm") eq "sleep\n" } 20), "... $signal comes while it runs");
	kill $signal, $pid;
	waitpid $pid, 0;
	return $? & 128 ? 1 : 0;
}

{
	my $encoded = $secret =~ s/([^A-Za-z0-9_.~-])/sprintf '%%%02X', ord $1/ger;
	my $seen    = sub { my ($text) = @_; return index($text, $secret) >= 0 || index($text, $encoded) >= 0 };
	my $name    = basename(my $file = next_segment($server));
	my @programs = ([ 'walpush', $archive, $file ], [ 'walfetch', $archive, $name, scratch() . '/fetched' ], [ 'walclean', $archive, $name ]);
	my @wrong;
	for my $fault (
		undef,
		[ 'answer', status => 503, code => 'SlowDown' ],
		[ 'answer', status => 403, code => 'SignatureDoesNotMatch' ],
		[ 'answer', status => 403, code => 'InvalidAccessKeyId' ],
		[ 'answer', status => 400, code => 'AuthorizationHeaderMalformed' ],
		[ 'answer', status => 301, headers => { 'x-amz-bucket-region' => 'eu-west-1' } ],
		[ 'answer', status => 200, body => '<html></html>' ],
		[ 'clock', seconds => 7200 ],
		['cut_request'], ['lose_answer'], ['stall_answer'],
	  )
	{
		$proxy->clear;
		$proxy->fault(@$fault) if $fault;
		my @runs = together(map { my ($program, @rest) = @$_; [ $program, '-v', '--timeout=500ms', @rest ] } @programs);
		push @wrong, map { told_all($_) } grep { $seen->("$_->{out}$_->{err}") } @runs;
		push @wrong, map { "$_->{method} $_->{path}" } grep { $seen->("$_->{path} " . join ' ', values %{ $_->{headers} }) } $proxy->requests;
	}
	$proxy->clear;
	push @wrong, map { told_all($_) } grep { $seen->("$_->{out}$_->{err}") }
	  map { run(@$_) } [ { env => { AWS_SECRET_ACCESS_KEY => "$secret\n" } }, 'walpush', '-v', $archive, $file ],
	  [ { env => { AWS_ACCESS_KEY_ID => undef } }, 'walpush', '-v', $archive, $file ],
	  [ { env => { AWS_REGION => 'a b' } }, 'walpush', '-v', $archive, $file ];
	is(join("\n", @wrong), '', 'no output and no request holds the secret key');

	# a server that quotes what it does not like, a proxy and a server that are set with a password
	my $token = 'token/of+a=session';
	my $key   = encode_base64('k' x 32, '');
	my $path  = spew(scratch() . '/quoted.key', 'k' x 32);
	chmod 0600, $path;
	my $quoted = sub {
		my ($what, $setting, @command) = @_;
		my $run = run({ env => $setting }, @command, '--timeout=1s', '--retries=0', "--s3-customer-key-file=$path", $archive, $file);
		isnt($run->{code}, 0, "$what: no success");
		unlike($run->{err}, qr/\Q$token\E|\Q${\substr $key, 0, 16}\E|hush/, '... and nothing that is secret') or diag($run->{err});
		return $run;
	};
	for my $status (400, 200)
	{
		for my $secret ($token, $key, $secret)
		{
			$proxy->clear;
			$proxy->fault('answer', status => $status, body => "<Error><Code>InvalidArgument</Code><Message>bad headers: $secret</Message></Error>");
			my $run = $quoted->("a server that quotes the request, $status", { AWS_SESSION_TOKEN => $token }, 'walpush', '-v');
			unlike($run->{err}, qr/\Q$secret\E/, '... nor that');
		}
	}
	$proxy->clear;
	for my $url ('http://user:hush@proxy:notaport', 'http://user:hu#hush@proxy:1', 'htps://user:hush@proxy:1', 'http://user:hush with blanks@proxy', 'http://user:/hush@proxy')
	{
		like($quoted->("the proxy $url", { https_proxy => $url }, 'walpush', '--s3-endpoint=https://minio.example')->{err}, qr/proxy/, '... but what it is');
	}
	is($quoted->('a password in the endpoint', { AWS_ENDPOINT_URL => 'https://user:hush@minio.example' }, 'walpush')->{code}, 2, '... is a wrong setting');
	is($quoted->('a key for the server, over plain http', { AWS_ENDPOINT_URL => 'http://192.0.2.1' }, 'walpush', '--s3-plain-http=yes')->{code}, 2, '... is a wrong setting');

	my $other = FaultProxy->start($gateway);
	succeeds('plain http to this machine', { env => { map { $_ => $other->endpoint } qw(http_proxy ALL_PROXY) } }, 'walpush', $archive, $file);
	is($other->request_count, 0, '... is not for a proxy');

	$proxy->fault('stall_answer');
	my $started = WalRace::start(undef, undef, 'walpush', '--timeout=5s', $archive, $file);
	ok((wait_until { $proxy->request_count > 0 } 20), 'a push is under way');
	# not those of other tests, which hand the same key to radosgw-admin
	my @own = grep { (eval { slurp("$_/stat") } // '') =~ /.*\) \w \d+ $started->{pid} / } glob '/proc/[0-9]*';
	my @command_lines = map { eval { slurp("$_/cmdline") } // '' } @own;
	cmp_ok(scalar(grep { /walpush/ } @command_lines), '>', 0, '... its command lines are seen');
	is(scalar(grep { $seen->($_) } @command_lines), 0, '... the secret key is in none');
	kill 'TERM', $started->{pid};
	WalRace::finish($started);

	for my $signal ('QUIT', 'SEGV')
	{
	  SKIP:
		{
			$proxy->clear;
			$proxy->fault('stall_answer');
			left_core($signal) or skip "SIG$signal makes no program leave a core here", 2;
			is(left_core($signal, program('walpush'), '--timeout=5s', $archive, $file), 0, '... but none with the secret key in it');
		}
	}
	is(scalar(grep { $seen->(slurp($_)) } remembered()), 0, '... nor in what is remembered');
	$proxy->clear;
}

done_testing;
