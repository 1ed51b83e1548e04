# Nothing is overwritten in S3: by the server's own condition where it has one, else by a look, and that is said.

use FindBin;
use lib "$FindBin::Bin/../lib";
use CephGateway;
use FaultProxy;
use feature qw(state);
use File::Basename qw(basename);
use S3Test;
use WalRace;

my $gateway = CephGateway->start;
my $proxy   = FaultProxy->start($gateway);
act_as($gateway);
my @servers = map { data_directory("server$_") } 0, 1;
my $strange = data_directory('strange', sysid => SYSID + 1);

# ---- two pushers and one name

{
	my $bucket  = $gateway->bucket('race');
	my $archive = "s3://$bucket/main";
	succeeds('an archive', 'walpush', $archive, put_segment($servers[0], number => 1));
	for my $case ([ 'other', 30, [ 1, 2 ], '0 4' ], [ 'the same', 15, [ 1, 1 ], '0 0' ])
	{
		my ($what, $rounds, $seeds, $codes) = @$case;
		my (@wrong, @won);
		for my $round (1 .. $rounds)
		{
			state $number = 1000;
			$number++;
			my @files = map { put_segment($servers[$_], number => $number, seed => $seeds->[$_]) } 0, 1;
			my @memory = map { $round % 2 ? '--cache=none' : '--cache=' . scratch("memory$_") } 0, 1;
			my @runs = at_once(map { [ 'walpush', $memory[$_], $archive, $files[$_] ] } 0, 1);
			my ($winner) = grep { $runs[$_]{code} == 0 } 0, 1;
			my $got = join ' ', sort map { $_->{code} } @runs;
			push @wrong, "round $round: exit codes $got\n" . join '', map { $_->{err} } @runs if $got ne $codes;
			push @wrong, "round $round: what is stored is not the winner's" if !defined $winner || fetched($archive, $files[$winner]) ne '';
			push @wrong, map { "round $round: $_" } one_error($_, 'walpush', 4, qr/other content.*there.*here/) for grep { $_->{code} == 4 } @runs;
			$won[ $winner // 2 ]++;
		}
		is(join("\n", @wrong), '', "two pushers, one name, $what content: $rounds rounds");
		note('won: ', join ' and ', map { $_ // 0 } @won);
	}
	is(scalar(grep { m{main/\.waltools/} } $gateway->objects($bucket)), 2, 'nothing is left but identity and probe');
}

# ---- two clusters and an empty archive

{
	my $bucket = $gateway->bucket('first');
	my @wrong;
	for my $round (1 .. 12)
	{
		my @files = (put_segment($servers[0], number => 2), put_segment($strange, number => 3, sysid => SYSID + 1));
		my @runs = at_once(map { [ 'walpush', '--cache=none', "s3://$bucket/new$round", $_ ] } @files);
		my ($winner) = grep { $runs[$_]{code} == 0 } 0, 1;
		my $codes = join ' ', sort map { $_->{code} } @runs;
		push @wrong, "round $round: exit codes $codes: " . join ' ', map { $_->{err} } @runs if $codes ne '0 4';
		my @stored = map { basename($_) } grep { m{/0} } $gateway->objects($bucket, "new$round/");
		push @wrong, "round $round: stored: @stored" if "@stored" ne segment_name(number => 2 + ($winner // 9)) . '.zst';
		my $owner = SYSID + ($winner // 9);
		push @wrong, "round $round: the identity is not the winner's"
		  if $gateway->get($bucket, "new$round/.waltools/archive") !~ /^system-identifier=$owner$/m;
	}
	is(join("\n", @wrong), '', 'two clusters and an empty archive: it belongs to one of them, 12 rounds');
}

# ---- servers without the condition

# Warns when it has to learn it, and only then; refuses other content by a look.
sub warns_and_refuses
{
	my ($title, $bucket, $like, @option) = @_;
	my $archive = "s3://$bucket/main";
	forget();
	my ($first, $second) = map { next_segment($servers[0], @option) } 1, 2;
	my $run = run('walpush', $archive, $first);
	ok($run->{code} == 0 && $run->{err} =~ /\Awalpush: warning: [^\n]*$like[^\n]*\n\z/, "$title: the first push warns") or diag(told_all($run));
	succeeds('... the next one does not',                   'walpush', $archive, $second);
	succeeds('... nor a push of the same',                  'walpush', $archive, $second);
	like(run('walpush', '--cache=none', $archive, $second)->{err}, qr/\A(?:walpush: warning: [^\n]*$like[^\n]*\n)?\z/, '... nor more than once without memory');
	is(fetched($archive, $_), '', '... it comes back') for $first, $second;
	my @before = $gateway->versions($bucket);
	my $other = put_segment($servers[1], number => hex(substr basename($second), 16), seed => 2, @option);
	refuses('... other content is refused', { code => 4, like => qr/other content/ }, 'walpush', $archive, $other);
	my $refused = run('walpush', '--cache=none', $archive, $other);
	is($refused->{code}, 4, '... also without memory') or diag(told_all($refused));
	is(fetched($archive, $second), '', '... what was there is there');
	is_deeply([ grep { !/probe/ } $gateway->versions($bucket) ], [ grep { !/probe/ } @before ], '... in one version');
	return $archive;
}

{
	my $bucket  = $gateway->bucket('versioned', versioning => 'Enabled');
	my $archive = warns_and_refuses('a bucket with versioning', $bucket, qr/does not heed "If-None-Match: \*"/);
	refuses('another cluster', { code => 4 }, 'walpush', $archive, put_segment($strange, number => 5, sysid => SYSID + 1));

	# what the look says must be from an S3 server
	act_as($gateway, endpoint => $proxy->endpoint);
	my $second = next_segment($servers[0]);
	is(run('walpush', $archive, $second)->{code}, 0, 'it works through a proxy');
	my $other   = put_segment($servers[1], number => hex(substr basename($second), 16), seed => 2);
	my $content = $gateway->get($bucket, 'main/' . basename($second) . '.zst');
	for my $case (
		[ '503 for ever', 'answer', status => 503, code => 'SlowDown' ],
		[ '403', 'answer', status => 403 ],
		[ '200 with HTML', 'answer', status => 200, headers => { 'Content-Type' => 'text/html' } ],
		[ '404 of a proxy', 'answer', status => 404, headers => { 'Content-Type' => 'text/html', Server => 'a proxy' } ],
		[ 'nothing', 'stall_answer' ],
	  )
	{
		my ($what, $fault, @how) = @$case;
		$proxy->fault($fault, method => 'HEAD', @how);
		my $run = run('walpush', '--timeout=1s', $archive, $other);
		isnt($run->{code}, 0, "the look is answered by $what: no success") or diag(told_all($run));
		$proxy->clear;
		is(fetched($archive, $second), '', '... and what was there is there');
		$gateway->put($bucket, 'main/' . basename($second) . '.zst', $content);
	}
	act_as($gateway);
}

{
	my $bucket  = $gateway->bucket('later');
	my $archive = "s3://$bucket/main";
	forget();
	my @files = map { next_segment($servers[0]) } 1 .. 3;
	succeeds('a bucket without versioning', 'walpush', $archive, @files[ 0, 1 ]);
	$gateway->client->configure($bucket, 'versioning', '<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>');
	my $other = put_segment($servers[1], number => hex(substr basename($files[0]), 16), seed => 2);
	my $run = run('walpush', $archive, $files[2]);
	is($run->{code}, 0, 'versioning is switched on: a push goes through');
	$run = run('walpush', $archive, $other);
	is($run->{code}, 4, '... and from then on other content is refused again') or diag(told_all($run));
	is(fetched($archive, $files[0]), '', '... and what was there is there');
}

# Versioning is switched on, and the first push then is of a name that is taken.
for my $case ([ 'is refused', 4, qr/other content/, 1 ], [ 'and may not remove: that is told', 3, qr/versioning has been switched on/, 2, 'answer', status => 403, code => 'AccessDenied' ])
{
	my ($what, $code, $like, $versions, @fault) = @$case;
	my $bucket  = $gateway->bucket("taken$code");
	my $archive = "s3://$bucket/main";
	act_as($gateway, endpoint => $proxy->endpoint);
	forget();
	my $file = next_segment($servers[0]);
	succeeds('a bucket without versioning', 'walpush', $archive, $file);
	$gateway->client->configure($bucket, 'versioning', '<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>');
	$proxy->fault(shift @fault, method => 'DELETE', @fault) if @fault;
	my $run = run('walpush', $archive, put_segment($servers[1], number => hex(substr basename($file), 16), seed => 2));
	is($run->{code}, $code, "versioning is switched on, the first push brings other content under a name that is taken, $what") or diag(told_all($run));
	like($run->{err}, qr/^walpush: error: .*$like/m, '... in words');
	is(scalar(my @all = grep { m{main/\Q${\basename($file)}\E} } $gateway->versions($bucket)), $versions, "... versions: $versions");
	is(fetched($archive, $file), '', '... and what was there is there') if $versions == 1;
	$proxy->clear;
}

{
	my $bucket  = $gateway->bucket('kept');
	my $archive = "s3://$bucket/main";
	my @version = ('edit_answer', method => 'PUT', path => qr/\.zst/, pattern => 'x', replacement => 'x', headers => { 'x-amz-version-id' => 'abc' });
	succeeds('an archive', 'walpush', '--cache=none', $archive, next_segment($servers[0]));
	forget();
	$proxy->clear;
	$proxy->fault(@version);
	succeeds('versions by a server that keeps its word: a push', 'walpush', $archive, next_segment($servers[0]));
	$proxy->clear;
	$proxy->fault(@version);
	succeeds('... and the next one', 'walpush', $archive, next_segment($servers[0]));
	is($proxy->request_count, 1, '... which is one request') or diag(requests_told($proxy));
	$proxy->clear;
}

# ---- a look is only good for one attempt

for my $case ([ 'a PUT', [], PUT => '' ], [ 'the end of an upload in parts', [ '--compress=none', '--s3-part-size=5MiB' ], POST => '.*uploadId=' ])
{
	my ($what, $options, $method, $path) = @$case;
	my $bucket  = $gateway->bucket('looks' . lc $method, versioning => 'Enabled');
	my $archive = "s3://$bucket/main";
	my @large   = (size => 16 * MB);
	run('walpush', @$options, $archive, next_segment($servers[0], @large));
	my $file  = next_segment($servers[0], @large);
	my $other = put_segment($servers[1], @large, number => hex(substr basename($file), 16), seed => 2);
	$proxy->clear;
	$proxy->fault('answer', method => $method, path => basename($file) . $path, status => 503, code => 'SlowDown', headers => { 'Retry-After' => 3 }, times => 1);
	my $started = WalRace::start(undef, undef, 'walpush', @$options, $archive, $file);
	ok((wait_until { grep { $_->{status} } $proxy->requests($method, qr/${\basename($file)}$path/) } 20), "$what is to be tried again");
	kill 'STOP', -$started->{pid};    # however long the other takes
	succeeds('... meanwhile another server pushes the name', 'walpush', @$options, $archive, $other);
	kill 'CONT', -$started->{pid};
	my $run = WalRace::finish($started);
	is($run->{code}, 4, '... and the first one is refused') or diag($run->{err});
	is(fetched($archive, $other, grep { /compress/ } @$options), '', '... what was acknowledged is there');
	$proxy->clear;
}

# ---- what is no word on the condition

for my $case ([ 'RequestTimeout', '--retries=0' ], [ 'ExpiredToken' ], [ 'KMS.ThrottlingException' ], [ 'InvalidArgument' ], [undef])
{
	my ($code, @options) = @$case;
	state $count = 0;
	my $archive = "s3://${\$gateway->bucket('passing' . ++$count)}/main";
	forget();
	$proxy->fault('answer', method => 'PUT', path => 'probe', status => 400, code => $code, times => 1);
	my $file = next_segment($servers[0]);
	succeeds('the probe is refused once, 400 ' . ($code // 'without a code'), 'walpush', @options, $archive, $file);
	my ($put) = $proxy->requests('PUT', qr/${\basename($file)}/);
	is($put->{headers}{'if-none-match'}, '*', '... which is no reason to write without the condition');
	like(join('', map { slurp($_) } remembered()), qr/^put-condition=honoured$/m, '... now, or in the next hour');
	$proxy->clear;
}
forget();
refuses('a wrong storage class is not taken for it', { code => 3, like => qr/400 InvalidArgument/ }, 'walpush', '--s3-storage-class=NONSENSE',
	"s3://${\$gateway->bucket('class')}/main", next_segment($servers[0]));

act_as($gateway, endpoint => $proxy->endpoint);
for my $case (
	[ 'a server that answers 501', qr/does not know "If-None-Match: \*"/, 'answer', status => 501, code => 'NotImplemented' ],
	[ 'a server that answers 400', qr/does not know "If-None-Match: \*"/, 'answer', status => 400, code => 'InvalidArgument' ],
	[ 'a server that does not look', qr/does not heed "If-None-Match: \*"/, 'ignore_header' ],
  )
{
	my ($title, $like, $fault, @how) = @$case;
	state $count = 0;
	my $bucket = $gateway->bucket('without' . ++$count);
	$proxy->fault($fault, method => 'PUT', header => 'If-None-Match', @how);
	warns_and_refuses($title, $bucket, $like);
	my $file = next_segment($servers[0]);
	$proxy->fault('lose_answer', method => 'PUT', path => basename($file), times => 1);
	succeeds("... a lost answer", 'walpush', "s3://$bucket/main", $file);
	is(fetched("s3://$bucket/main", $file), '', '... and it is there');
	$proxy->clear;
}

done_testing;
