# A server that fails while a file is fetched: nothing wrong is ever delivered, and no failure is taken for "no such file", which
# would end a recovery. Each failure meets three: a recovery, a standby, and a call by hand.

use FindBin;
use lib "$FindBin::Bin/../lib";
use CephGateway;
use FaultProxy;
use File::Basename qw(basename);
use S3Test;

my $gateway = CephGateway->start;
my $proxy   = FaultProxy->start($gateway);
my $bucket  = $gateway->bucket('wal');
my $server  = data_directory('server');
act_as($gateway, endpoint => $proxy->endpoint);

my ($present, $last, $absent) = map { segment_name(number => $_) } 10, 11, 12;
my %content = map { segment_name(number => $_) => segment(number => $_) } 10, 11;
succeeds('an archive', 'walpush', "s3://$bucket/model", map { put($server, $_, $content{$_}) } $present, $last);
my @model = map { [ s/^model//r, $gateway->get($bucket, $_) ] } $gateway->objects($bucket, 'model/');

my $html  = "<html><head><title>Welcome</title></head><body>Please log in.</body></html>\n";
my $magic = "\x28\xb5\x2f\xfd";
my $list  = '<?xml version="1.0"?><ListBucketResult><IsTruncated>false</IsTruncated>';
my $bomb  = '<?xml version="1.0"?><!DOCTYPE ListBucketResult [<!ENTITY a "' . 'a' x 40 . '">'
  . join('', map { '<!ENTITY ' . chr(97 + $_) . ' "' . ('&' . chr(96 + $_) . ';') x 40 . '">' } 1 .. 9)
  . ']><ListBucketResult><Contents><Key>&j;</Key></Contents></ListBucketResult>';
my $etag = { ETag => '"0123456789abcdef0123456789abcdef"' };

# Each: title, the file that is asked for, the exit codes in a recovery, in a standby and by hand, which requests fail, how.
# 0 means: with the right content. 'object' is the GET of the file, 'list' all lists, 'identity' that of .waltools/archive.
my @again = (0, 0, 0);
my @never = (254, 3, 3);
my @wrong = (254, 5, 5);
my @cases = (
	# what passes is not noticed
	[ '500 once',                      $present, @again, 'object', 'answer', status => 500, code => 'InternalError', times => 1 ],
	[ '503 SlowDown twice',            $present, @again, 'object', 'answer', status => 503, code => 'SlowDown', times => 2 ],
	[ 'a reset once',                  $present, @again, 'object', 'cut_request', times => 1 ],
	[ 'the answer is lost once',       $present, @again, 'object', 'lose_answer', times => 1 ],
	[ 'the answer stalls once',        $present, @again, 'object', 'stall_answer', times => 1 ],
	[ 'the answer is cut once',        $present, @again, 'object', 'cut_answer', after => 20_000, times => 1 ],
	[ 'it is reset once',              $present, @again, 'object', 'cut_answer', after => 20_000, end => 'reset', times => 1 ],
	[ 'it is cut in the head of it',   $present, @again, 'object', 'cut_answer', after => 3, times => 1 ],
	[ 'it is cut before the first byte', $present, @again, 'object', 'cut_answer', after => 0, times => 1 ],
	[ 'it is cut three times',         $present, @again, 'object', 'cut_answer', after => 5000, times => 3 ],
	[ 'it comes slowly',               $present, @again, 'object', 'trickle', bytes_per_second => 60_000 ],
	[ 'the wrong region once',         $present, @again, 'object', 'answer', status => 301, headers => { 'x-amz-bucket-region' => 'eu-west-1' }, times => 1 ],
	[ 'a list fails once',             $absent, 1, 1, 1, 'list', 'answer', status => 503, code => 'SlowDown', times => 1 ],
	[ 'a list is cut once',            $absent, 1, 1, 1, 'list', 'cut_answer', after => 100, times => 1 ],
	[ 'the identity is cut once',      $absent, 1, 1, 1, 'identity', 'cut_answer', after => 50, times => 1 ],
	[ 'a 404 is cut once',             $absent, 1, 1, 1, 'object', 'cut_answer', after => 20, times => 1 ],

	# failures that last
	[ '503 for ever',                  $present, @never, 'object', 'answer', status => 503, code => 'SlowDown' ],
	[ '500 without a body for ever',   $present, @never, 'object', 'answer', status => 500 ],
	[ '403',                           $present, @never, 'object', 'answer', status => 403, code => 'AccessDenied' ],
	[ '400 ExpiredToken',              $present, @never, 'object', 'answer', status => 400, code => 'ExpiredToken' ],
	[ '416',                           $present, @never, 'object', 'answer', status => 416, code => 'InvalidRange' ],
	[ '304 for a GET',                 $present, @never, 'object', 'answer', status => 304 ],
	[ 'resets for ever',               $present, @never, 'object', 'cut_request' ],
	[ 'answers are lost',              $present, @never, 'object', 'lose_answer', end => 'close' ],
	[ 'answers stall',                 $present, @never, 'object', 'stall_answer' ],
	[ 'requests stall',                $present, @never, 'object', 'stall_request' ],
	[ 'answers are cut at once',       $present, @never, 'object', 'cut_answer', after => 0 ],
	[ 'answers are all cut',           $present, @never, 'object', 'cut_answer', after => 1000 ],
	[ 'answers come too slowly',       $present, @never, 'object', 'trickle', bytes_per_second => 100 ],
	[ 'answers are longer than they are', $present, @wrong, 'object', 'wrong_length', by => 1000 ],
	[ 'a redirect',                    $present, @never, 'object', 'answer', status => 307, headers => { Location => 'http://127.0.0.1:9/x' } ],
	[ 'a redirect to a page',          $present, @never, 'object', 'answer', status => 302, headers => { Location => 'http://127.0.0.1:9/x' } ],

	# no S3 server at all
	[ '200 with a page of HTML',       $present, @never, 'object', 'answer', status => 200, body => $html ],
	[ '200 with nothing',              $present, @never, 'object', 'answer', status => 200 ],
	[ '404 with a page of HTML',       $present, @never, 'object', 'answer', status => 404, body => $html ],
	[ '404 with nothing',              $present, @never, 'object', 'answer', status => 404 ],
	[ '404 NoSuchBucket',              $present, @never, 'object', 'answer', status => 404, code => 'NoSuchBucket' ],
	[ '404 with another code',         $present, @never, 'object', 'answer', status => 404, code => 'NoSuchWebsite' ],
	[ '404 with rubbish',              $present, @never, 'object', 'answer', status => 404, body => '<Error><Code>NoSuchKey</Code>' ],
	[ '404 with a bomb of entities',   $present, @never, 'object', 'answer', status => 404, body => $bomb =~ s/ListBucketResult/Error/gr ],
	[ '404 without end',               $present, @never, 'object', 'endless', status => 404, body => '<Error><Code>NoSuchKey</Code>' ],
	[ '410 NoSuchKey',                 $present, @never, 'object', 'answer', status => 410, code => 'NoSuchKey' ],
	[ '200 NoSuchKey',                 $present, @never, 'object', 'answer', status => 200, code => 'NoSuchKey' ],
	[ '204',                           $present, @never, 'object', 'answer', status => 204 ],

	# other content than is there
	[ 'a bit is flipped for ever',     $present, @wrong, 'object', 'flip_answer', at => 20_000 ],
	[ 'a bit is flipped once',         $present, 0, 0, 5, 'object', 'flip_answer', at => 20_000, times => 1 ],
	[ 'a bit of the label is flipped', $present, @wrong, 'object', 'flip_answer', at => 60 ],
	[ 'the end is missing',            $present, @wrong, 'object', 'wrong_length', by => -500 ],
	[ 'all is missing',                $present, @wrong, 'object', 'answer', status => 200, headers => $etag ],
	[ 'a page of HTML with an ETag',   $present, @wrong, 'object', 'answer', status => 200, headers => $etag, body => $html ],
	[ 'zeros without end',             $present, @never, 'object', 'endless', status => 200, headers => $etag, body => $magic, filler => "\0" ],
	[ 'of the next segment',           $present, @wrong, 'object', 'answer', status => 200, headers => $etag,
		body => (grep { $_->[0] =~ /$last/ } @model)[0][1] ],

	# an object that a list shows, though it can't be had: it is there
	[ 'the last one: NoSuchKey, but listed',  $last, @never, 'object', 'answer', status => 404, code => 'NoSuchKey' ],
	[ 'one between: NoSuchKey, but listed',   $present, @never, 'object', 'answer', status => 404, code => 'NoSuchKey' ],
	[ 'it arrives between GET and list',      $last, 0, 0, 0, 'object', 'answer', status => 404, code => 'NoSuchKey', times => 1 ],

	# an absence that can't be proved
	map({
			my ($what, @how) = @$_;
			map { [ "$_: $what", $absent, $_ eq 'identity' && $what =~ /ETag|bomb/ ? @wrong : @never, $_, @how ] } 'list', 'identity'
		}
		[ '503 for ever',                'answer', status => 503, code => 'SlowDown' ],
		[ '403',                         'answer', status => 403, code => 'AccessDenied' ],
		[ '404 with a page of HTML',     'answer', status => 404, body => $html ],
		[ '404 NoSuchBucket',            'answer', status => 404, code => 'NoSuchBucket' ],
		[ '200 with a page of HTML',     'answer', status => 200, body => $html ],
		[ '200 with nothing',            'answer', status => 200 ],
		[ '200 with a page and an ETag', 'answer', status => 200, body => $html, headers => $etag ],
		[ 'resets',                      'lose_answer' ],
		[ 'stalls',                      'stall_answer' ],
		[ 'cut answers',                 'cut_answer', after => 5 ],
		[ 'a bomb of entities',          'answer', status => 200, body => $bomb, headers => $etag ],
		[ 'something that is no HTTP',   'rubbish', body => "220 mail.example ESMTP\r\n" ],
		[ 'a status that is none',       'rubbish', body => "HTTP/1.1 000 OK\r\n\r\n" ],
		[ 'an answer that drips',        'drip', status => 200, body => $list, bytes_per_second => 40_000, headers => $etag ],
		[ 'an answer without end',       'endless', status => 200, body => $list, headers => $etag ],
		[ 'a redirect',                  'answer', status => 307, headers => { Location => 'http://127.0.0.1:9/x' } ],
	),
	[ 'a list: NoSuchKey',              $absent, @never, 'list', 'answer', status => 404, code => 'NoSuchKey' ],
	[ 'a list: 200 with an error',      $absent, @never, 'list', 'answer', status => 200, code => 'InternalError' ],
	[ 'a list that is cut off',         $absent, @never, 'list', 'answer', status => 200, body => $list ],
	[ 'a list of another bucket kind',  $absent, @never, 'list', 'answer', status => 200, body => '<ListAllMyBucketsResult></ListAllMyBucketsResult>' ],
	[ 'a list without end',             $absent, @never, 'later', 'same_page' ],
	[ 'a list that goes on, but not where', $absent, @never, 'list', 'edit_answer', pattern => '<IsTruncated>false', replacement => '<IsTruncated>true' ],
	(map { my ($what, $elements) = @$_; [ "a list that $what", $absent, @never, 'list', 'answer', status => 200, body => "<ListBucketResult>$elements</ListBucketResult>" ] }
		[ 'says nothing',                 '' ],
		[ 'says "True"',                  '<IsTruncated>True</IsTruncated><NextContinuationToken>x</NextContinuationToken>' ],
		[ 'says "true" between blanks',   '<IsTruncated> true </IsTruncated><NextContinuationToken>x</NextContinuationToken>' ],
		[ 'says only where it goes on',   '<NextContinuationToken>x</NextContinuationToken>' ],
		[ 'ends, and says where it goes on', '<IsTruncated>false</IsTruncated><NextContinuationToken>x</NextContinuationToken>' ],
		[ 'is of another prefix',         '<Prefix>zzz/</Prefix><IsTruncated>false</IsTruncated>' ]),
	[ 'a list of keys that were not asked for', $absent, @never, 'list', 'answer', status => 200,
		body => "$list<Contents><Key>elsewhere/1</Key></Contents></ListBucketResult>" ],
	[ 'a list with control characters', $absent, @never, 'list', 'answer', status => 200, body => "$list<Contents><Key>\1\2</Key></Contents></ListBucketResult>" ],
	[ 'a list that is not UTF-8',       $absent, @never, 'list', 'answer', status => 200, body => "$list<Contents><Key>\xff\xfe</Key></Contents></ListBucketResult>" ],
	[ 'a damaged identity',             $absent, 254, 5, 5, 'identity', 'flip_answer', at => 40 ],
);

# ---- each in a place of its own, so that they can run beside each other

sub place
{
	my ($case, $number) = @_;
	my ($title, $name, @rest) = @$case;
	my @codes = splice @rest, 0, 3;
	my ($which, $fault, @how) = @rest;
	my $prefix = "case$number";
	my %where = (
		object   => "/$prefix/$name",
		identity => "/$prefix/[.]waltools/archive",
		list     => "list-type.*prefix=$prefix%2F",
		later    => "list-type.*prefix=$prefix%2F00000001",
	);
	$gateway->put($bucket, "$prefix$_->[0]", $_->[1]) for @model;
	return { title => $title, name => $name, codes => \@codes, prefix => $prefix, path => $where{$which}, fault => $fault, how => \@how };
}

my @homes = ([ 'a recovery', \&recovering ], [ 'a standby', \&standing_by ], [ 'by hand', \&data_directory ]);

# In a server of its own, which is in that state.
sub destination
{
	my ($place, $home) = @_;
	my $directory = $homes[$home][1]->("$place->{prefix}_$home");
	return "$directory/pg_wal/RECOVERYXLOG";
}

sub judge
{
	my ($place, $home, $run) = @_;
	my $expected = $place->{codes}[$home];
	my $destination = $place->{destination};
	my @wrong;
	push @wrong, "exit code $run->{code} instead of $expected" if $run->{code} != $expected || $run->{signal} != 0;
	push @wrong, 'not one line that tells it' if $expected > 1 && $run->{err} !~ /\Awalfetch: error: [^\n]+\n\z/;
	push @wrong, 'something is said' if $expected < 2 && $run->{err} ne '';
	push @wrong, "took $run->{seconds} s" if late($run, 10);
	push @wrong, 'the destination is there' if $expected != 0 && -e $destination;
	push @wrong, 'the destination has not the right content' if $run->{code} == 0 && (!-e $destination || slurp($destination) ne $content{ $place->{name} });
	push @wrong, 'something is left there' if grep { !/RECOVERYXLOG$|archive_status$/ } glob $destination =~ s/RECOVERYXLOG$/{*,.[!.]*}/r;
	ok(!@wrong, "$homes[$home][0]: $place->{title}") or diag(join "\n", @wrong, told_all($run));
	unlink $destination;
	return;
}

my $number = 0;
my @places = map { place($_, ++$number) } @cases;
for my $home (0 .. 2)
{
	$proxy->clear;
	$proxy->fault($_->{fault}, method => 'GET', path => $_->{path}, @{ $_->{how} }) for @places;
	$_->{destination} = destination($_, $home) for @places;
	my @left = @places;
	while (my @some = splice @left, 0, 35)
	{
		my @runs = together(map { [ 'walfetch', '--timeout=1s', "s3://$bucket/$_->{prefix}", $_->{name}, $_->{destination} ] } @some);
		judge($some[$_], $home, $runs[$_]) for 0 .. $#some;
	}
}

# ---- an answer that is only a piece: of a history file without a label nothing else would tell

{
	my $history = join '', map { "$_\t0/${_}000000\tfirst line, then more\n" } 1 .. 3;
	my $line = length($history) / 3;
	my ($name, $all) = ('00000004.history', length $history);
	my $piece = sub { return (headers => { 'Content-Range' => "bytes $_[0]-" . ($line - 1) . "/$_[1]" }) };
	my @of_the_rest = (header => 'Range', pattern => '^(.{' . ($line - 10) . '}).*', replacement => '\\1');
	my @answer = (status => 206, body => substr $history, 0, $line);
	for my $case (
		[ 'the rest comes in pieces',            0, [ 'edit_answer', @of_the_rest, times => 1, $piece->(10, $all) ], [ 'cut_answer', after => 10, times => 1 ] ],
		[ 'the rest is of a shorter object',     3, [ 'edit_answer', @of_the_rest, $piece->(10, $line) ], [ 'cut_answer', after => 10 ] ],
		[ 'no rest is ever all of it',           3, [ 'edit_answer', header => 'Range', pattern => '.*', replacement => '', $piece->(10, $all) ],
			[ 'cut_answer', after => 10 ] ],
		[ 'a piece though all was asked for',    3, [ 'answer', @answer, headers => { %$etag, %{ { $piece->(0, $all) }->{headers} } } ] ],
	  )
	{
		my ($title, $code, @faults) = @$case;
		$gateway->put($bucket, "model/$name", $history);
		$proxy->clear;
		$proxy->fault(shift @$_, method => 'GET', path => $name, @$_) for @faults;
		my $destination = scratch() . '/history';
		my $run = run('walfetch', '--compress=none', '--timeout=1s', "s3://$bucket/model", $name, $destination);
		is($run->{code}, $code, "a history file: $title") or diag(told_all($run), requests_told($proxy));
		is(-e $destination ? slurp($destination) : '', $code ? '' : $history, '... all of it or nothing');
		unlink $destination;
	}
	$gateway->client->delete($bucket, "model/$name");
	$proxy->clear;
}

# ---- and when all is well again

$proxy->clear;
my @again_runs = together(map { [ 'walfetch', "s3://$bucket/$_->{prefix}", $_->{name}, $_->{destination} ] } @places);
is(join(' ', map { $again_runs[$_]{code} == ($places[$_]{name} eq $absent ? 1 : 0) ? () : $places[$_]{title} } 0 .. $#places), '',
	'without failures each has its answer');

# ---- an archive without identity is judged by a segment, which may be gone when it is read

{
	$proxy->clear;
	my $server  = data_directory('without');
	my $archive = "s3://$bucket/without";
	succeeds('an archive', 'walpush', $archive, my $file = next_segment($server));
	$gateway->client->must('DELETE', $bucket, 'without/.waltools/archive');
	spew(data_directory('recovers') . '/recovery.signal', '');
	$proxy->fault('answer', method => 'GET', path => basename($file), status => 404, code => 'NoSuchKey');
	is(run({ cwd => scratch('recovers') }, 'walfetch', '--timeout=1s', $archive, segment_name(number => 9999), 'pg_wal/RECOVERYXLOG')->{code}, 254,
		'... which proves nothing of another');
}

# ---- memory

SKIP:
{
	for my $case (
		[ 'an answer without end', qr{/0}, 'endless', status => 200, headers => { %$etag, 'Content-Length' => 1 << 40 }, body => $magic, filler => "\0" ],
		[ 'a list without end', qr/list-type/, 'endless', status => 200, body => $list, filler => '<Contents><Key>model/0</Key></Contents>' ],
		[ 'an error without end', qr{/0}, 'endless', status => 404, body => '<Error><Code>', filler => 'a' ],
	  )
	{
		my ($title, $path, $fault, @how) = @$case;
		$proxy->clear;
		$proxy->fault($fault, method => 'GET', path => $path, @how);
		my ($peak, $code, $said) = peak_kb('walfetch', '--timeout=2s', "s3://$bucket/model", $absent, scratch() . '/fetched');
		defined $peak or skip 'peak memory is not known here', 2;
		cmp_ok($peak, '<', 128 * 1024, "$title does not fill the memory");
		isnt($code, 1, '... nor is it an absence') or diag($said);
	}
}

done_testing;
