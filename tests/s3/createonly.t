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
