# Large objects, which go up in parts: complete or not there, right, never over another, and nothing half-done stays behind.

use FindBin;
use lib "$FindBin::Bin/../lib";
use CephGateway;
use FaultProxy;
use File::Basename qw(basename);
use S3Test;
use WalRace;

my $gateway = CephGateway->start;
my $proxy   = FaultProxy->start($gateway);
my $bucket  = $gateway->bucket('segments');    # no name that tools give to a directory of archives
my $archive = "s3://$bucket/main";
my @servers = map { data_directory("server$_") } 0, 1;
my @parts   = ('--compress=none', '--s3-part-size=5MiB');
my @size    = (size => 16 * MB);
my $warning = qr/\Awalpush: warning: [^\n]*"If-None-Match: \*" for objects in several parts[^\n]*\n\z/;
act_as($gateway, endpoint => $proxy->endpoint);

# Segments of 16 MB that were never pushed before.
my $number = 10;
sub next_large { return put_segment($servers[0], @size, number => $number++, end => 'switch') }

sub put_parts { return $proxy->requests('PUT', qr/partNumber=/) }

# ---- it works

my $first = next_large();
{
	my $run = run('walpush', @parts, $archive, $first);
	ok($run->{code} == 0 && $run->{err} =~ $warning, 'a server that does not heed the condition for parts: the first push warns')
	  or diag(told_all($run));
	my $full = put_segment($servers[0], @size, number => $number++);
	$proxy->clear;
	succeeds('the next one does not', 'walpush', @parts, $archive, $full);
	is(scalar(put_parts()), 4, '... 16 MB are four parts');
	cmp_ok($proxy->request_count, '<=', 9, '... in nine requests') or diag(requests_told($proxy));
	for my $file ($first, $full)
	{
		is(fetched($archive, $file, '--compress=none'), '', '... it comes back');
		ok($gateway->get($bucket, 'main/' . basename($file)) eq slurp($file), '... and is the file itself');
		for my $memory ([], ['--cache=none'])
		{
			my $before = contents($gateway, $bucket);
			my $again = run('walpush', @parts, @$memory, $archive, $file);
			is($again->{code}, 0, "... the same again (@$memory)") or diag(told_all($again));
			my $other = put_segment($servers[1], @size, number => hex(substr basename($file), 16), seed => 2);
			$again = run('walpush', @parts, @$memory, $archive, $other);
			is($again->{code}, 4, '... other content is refused') or diag(told_all($again));
			like($again->{err}, qr/^walpush: error: .*other content: there 16777216 bytes.*here 16777216 bytes.*\n\z/m, '... and told');
			is(contents($gateway, $bucket), $before, '... and the bucket is as it was');
		}
	}
	is(join(' ', $gateway->uploads($bucket)), '', 'no upload is left half-done');
	is($run->{err} =~ tr/\n//, 1, 'one line was said of it all');
}

{
	my $large = put_segment($servers[0], size => 64 * MB, number => 7);
	my ($peak, $code, $said) = peak_kb('walpush', @parts, $archive, $large);
  SKIP:
	{
		defined $peak or skip 'peak memory is not known here', 2;
		is($code, 0, '64 MB in parts of 5 MiB') or diag($said);
		cmp_ok($peak, '<', 64 * 1024, '... without having all of it in memory');
	}
	is(run('walpush', @parts, $archive, $large)->{code}, 0, '... is archived');
	is(fetched($archive, $large, '--compress=none'), '', '... and comes back');
	succeeds('parts of 64 MiB: it is one', 'walpush', '--compress=none', '--s3-part-size=65MiB', '--cache=none', "s3://$bucket/whole", $large);
	is(fetched("s3://$bucket/whole", $large, '--compress=none'), '', '... and comes back');
	unlink $large;
}
unlike(run('walpush', '--cache=none', "s3://$bucket/compressed", $first)->{err}, qr/several parts/,
	'who does not push in parts does not hear of it');

# ---- interrupted

for my $case ([ 'TERM', 0 ], [ 'INT', 0 ], [ 'KILL', 1 ])
{
	my ($signal, $may_stay) = @$case;
	my $file = next_large();
	$proxy->clear;
	$proxy->fault('stall_request', method => 'PUT', path => basename($file) . '.*partNumber=3', after => 100_000);
	my $started = WalRace::start(undef, undef, 'walpush', @parts, $archive, $file);
	ok((wait_until { $proxy->request_count('PUT', qr/partNumber=3/) } 20), 'the third part is on its way');
	my $own = sub { return scalar grep { $_ eq 'main/' . basename($file) } $gateway->uploads($bucket) };
	is($own->(), 1, '... of an upload');
	kill $signal, $started->{pid};
	my $run = WalRace::finish($started);
	is($run->{signal}, { TERM => 15, INT => 2, KILL => 9 }->{$signal}, "... it dies of SIG$signal") or diag(told_all({ %$run, seconds => 0 }));
	ok((wait_until { !$own->() } 3), '... and takes the upload away') if !$may_stay;
	ok(!defined $gateway->head($bucket, 'main/' . basename($file)), '... no object is there');
	$proxy->clear;
	succeeds('... the next push succeeds', 'walpush', @parts, $archive, $file);
	is(fetched($archive, $file, '--compress=none'), '', '... and it comes back');
}
abort_all();

# What a killed one has left is swept after a day; here it would only be in the way.
sub abort_all
{
	my $page = $gateway->client->must('GET', $bucket, '', query => { uploads => '' })->{content};
	my @ids  = S3Client::elements('UploadId', $page);
	$gateway->client->must('DELETE', $bucket, $_, query => { uploadId => shift @ids }) for S3Client::elements('Key', $page);
	return;
}

# ---- what killed ones have left

{
	my $name = sub { sprintf '%024X', $_[0] };
	my @ours   = map { "main/$_" } $name->(1), $name->(2);
	my @others = ('base/backup.tar', 'main/notours.bin', 'main/' . $name->(3) . '.zst', 'main/' . $name->(4) . '.tar', 'main/deeper/' . $name->(5), $name->(6), 'main2/' . $name->(7));
	my $left = sub { return join ' ', sort grep { !m{/probe} } $gateway->uploads($bucket) };
	my $begun = sub { return '<Initiated>' . POSIX::strftime('%Y-%m-%dT%H:%M:%S.000Z', gmtime(time - $_[0] * 3600)) . '</Initiated>' };
	my $age = sub {
		$proxy->clear;
		$proxy->fault('edit_answer', method => 'GET', path => 'uploads', pattern => '<Initiated>[^<]*</Initiated>', replacement => $begun->(@_));
	};
	$gateway->client->must('POST', $bucket, $_, query => { uploads => '' }) for @ours, @others;
	my $all = $left->();
	$age->(23);
	succeeds('uploads of 23 hours ago', 'walpush', @parts, $archive, next_large());
	is($left->(), $all, '... are left alone');
	for my $hours (23, 25)
	{
		my $ahead = 72;
		$proxy->clear;
		$proxy->fault('answer', method => 'GET', path => 'uploads', status => 200, body => "<ListMultipartUploadsResult><Upload><Key>$ours[1]</Key>"
			  . '<UploadId>theirs</UploadId>' . $begun->($ahead + $hours) . '</Upload></ListMultipartUploadsResult>');
		$proxy->fault('clock', seconds => -3600 * $ahead);
		my $run = run('walpush', @parts, $archive, next_large());
		is($run->{code}, 0, "three days behind the clock here: $hours hours ago") or diag(told_all($run));
		is($proxy->request_count('DELETE', qr/theirs/) ? 1 : 0, $hours > 24 ? 1 : 0, "... by the server's");
	}
	$age->(25);
	is(run('walpush', @parts, "s3://$bucket", next_large())->{code}, 0, '25 hours ago: a push into the archive above');
	succeeds('... and one into the archive', 'walpush', @parts, $archive, next_large());
	is($left->(), join(' ', sort grep { $_ ne $name->(6) } @others), '... each takes away its own, and nothing that others upload');
	abort_all();
}

# ---- a server that fails

my $html = "<html><body>Please log in.</body></html>\n";
my %done = ('the upload begins' => [ POST => 'uploads' ], 'a part' => [ PUT => 'partNumber=2' ], 'the first part' => [ PUT => 'partNumber=1' ],
	'the end' => [ POST => 'uploadId' ]);
for my $case (
	# where, what, exit code, whether the object is there afterwards, fault
	[ 'the upload begins', '503 once',            0, 1, 'answer', status => 503, code => 'SlowDown', times => 1 ],
	[ 'the upload begins', '503 for ever',        3, 0, 'answer', status => 503, code => 'SlowDown' ],
	[ 'the upload begins', '200 with HTML',       3, 0, 'answer', status => 200, body => $html ],
	[ 'the upload begins', '200 with nothing',    3, 0, 'answer', status => 200 ],
	[ 'a part',            '503 once',            0, 1, 'answer', status => 503, code => 'SlowDown', times => 1 ],
	[ 'a part',            'a reset',             0, 1, 'cut_request', after => 1_000_000, times => 1 ],
	[ 'a part',            'the answer is lost',  0, 1, 'lose_answer', times => 1 ],
	[ 'a part',            'a bit is flipped',    0, 1, 'flip_request', at => 1_000_000, times => 1 ],
	[ 'a part',            'it stalls',           0, 1, 'stall_request', after => 1_000_000, times => 1 ],
	[ 'a part',            '503 for ever',        3, 0, 'answer', status => 503, code => 'SlowDown' ],
	[ 'a part',            '403',                 3, 0, 'answer', status => 403, code => 'AccessDenied' ],
	[ 'a part',            'bits are flipped',    3, 0, 'flip_request', at => 1_000_000 ],
	[ 'a part',            '404 NoSuchUpload',    3, 0, 'answer', status => 404, code => 'NoSuchUpload' ],
	[ 'a part',            '200 with HTML',       3, 0, 'answer', status => 200, body => $html ],
	[ 'the first part',    '503 for ever',        3, 0, 'answer', status => 503, code => 'SlowDown' ],
	[ 'the end',           '503 once',            0, 1, 'answer', status => 503, code => 'SlowDown', times => 1 ],
	[ 'the end',           '200 with an error',   0, 1, 'answer', status => 200, code => 'InternalError', times => 1 ],
	[ 'the end',           '200 with errors',     3, 0, 'answer', status => 200, code => 'InternalError' ],
	[ 'the end',           '200 with HTML',       3, 0, 'answer', status => 200, body => $html ],
	[ 'the end',           '200 with nothing',    3, 0, 'answer', status => 200 ],
	[ 'the end',           '200, cut off',        3, 0, 'answer', status => 200, body => '<CompleteMultipartUploadResult><ETag>"x"</ETag>' ],
	[ 'the end',           '404 NoSuchUpload',    3, 0, 'answer', status => 404, code => 'NoSuchUpload' ],
	[ 'the end',           '400 InvalidPart',     3, 0, 'answer', status => 400, code => 'InvalidPart' ],
	[ 'the end',           'the answer is lost',  0, 1, 'lose_answer', times => 1 ],
	[ 'the end',           'the answer is cut',   0, 1, 'cut_answer', after => 50, times => 1 ],
	[ 'the end',           'the answer stalls',   0, 1, 'stall_answer', times => 1 ],
	[ 'the end',           'all answers are lost', 0, 1, 'lose_answer' ],
	[ 'the end',           'it exists, but does not', 3, 0, 'answer', status => 412, code => 'PreconditionFailed' ],
  )
{
	my ($where, $what, $code, $is, $fault, @how) = @$case;
	my ($method, $path) = @{ $done{$where} };
	my $file = next_large();
	my $name = basename($file);
	$proxy->clear;
	$proxy->fault($fault, method => $method, path => "$name\\?.*$path", @how);
	my $run = run('walpush', '--timeout=2s', @parts, $archive, $file);
	my @wrong = $code ? one_error($run, 'walpush', $code) : ();
	push @wrong, "exit code $run->{code}" if $run->{code} != $code;
	push @wrong, "said: $run->{err}" if $code == 0 && $run->{err} ne '';
	push @wrong, "took $run->{seconds} s" if late($run, 10);
	push @wrong, 'uploads are left: ' . join ' ', $gateway->uploads($bucket) if $gateway->uploads($bucket);
	my $there = defined $gateway->head($bucket, "main/$name") ? 1 : 0;
	push @wrong, 'the object is ' . ($there ? '' : 'not ') . 'there' if $there != $is;
	push @wrong, 'other content is there' if $there && $gateway->get($bucket, "main/$name") ne slurp($file);
	$proxy->clear;
	my $again = run('walpush', @parts, $archive, $file);
	push @wrong, "then: $again->{err}" if $again->{code} != 0 || fetched($archive, $file, '--compress=none') ne '';
	ok(!@wrong, "$where: $what") or diag(join "\n", @wrong, told_all($run));
	unlink $file;
}

{
	my $file = next_large();
	$proxy->clear;
	$proxy->fault('answer_early', method => 'PUT', path => basename($file), status => 200, headers => { ETag => '"x"' }, end => 'reset');
	refuses('200 with an ETag for what has not been sent yet', { code => 3 }, 'walpush', '--timeout=2s', '--compress=none', $archive, $file);
	$proxy->clear;
}

# ---- a server that heeds the condition, as AWS's does

{
	$proxy->clear;
	$proxy->fault('answer', method => 'POST', path => 'probe\?uploadId', header => 'If-None-Match', status => 412, code => 'PreconditionFailed');
	forget();
	my $file = next_large();
	succeeds('a server that heeds it for parts: nothing is said', 'walpush', @parts, $archive, $file);
	my ($end) = $proxy->requests('POST', qr/${\basename($file)}\?uploadId/);
	is($end->{headers}{'if-none-match'}, '*', '... and the upload ends create-only');
	$proxy->clear;
	$file = next_large();
	succeeds('... which is remembered', 'walpush', @parts, $archive, $file);
	is($proxy->request_count(undef, qr/probe/), 0, '... without another try');
	is(join(' ', $gateway->uploads($bucket)), '', '... nothing is left half-done');
}

# ---- part sizes

refuses("part size $_", { code => 2, like => qr/s3-part-size/ }, 'walpush', "--s3-part-size=$_", $archive, $first)
  for '0', '1', '4MiB', '5MB', '2GiB', '-5MiB', 'x', '5 MiB';

done_testing;
