# walclean in a bucket: removes what it would remove in a directory, in few requests, and tells what it could not.

use FindBin;
use lib "$FindBin::Bin/../lib";
use feature qw(state);
use CephGateway;
use FaultProxy;
use S3Test;
use WalRace;

my $gateway = CephGateway->start;
my $proxy   = FaultProxy->start($gateway);
my $bucket  = $gateway->bucket('wal');
my $server  = data_directory('server');
act_as($gateway, endpoint => $proxy->endpoint);
$ENV{WALTOOLS_TIMEOUT} = '2s';

my ($model) = map { $gateway->get($bucket, $_) } grep { /archive$/ }
  (run('walpush', "s3://$bucket/model", next_segment($server))->{code} == 0 ? $gateway->objects($bucket, 'model/') : ());

# An archive with these names, put by a few processes at once.
sub fill
{
	my ($prefix, @names) = @_;
	my $client = $gateway->client;
	my @children;
	for my $part (0 .. 3)
	{
		my $pid = fork() // die "fork: $!";
		if ($pid == 0)
		{
			$client->put($bucket, "$prefix/$names[$_]", '') for grep { $_ % 4 == $part } 0 .. $#names;
			POSIX::_exit(0);
		}
		push @children, $pid;
	}
	for (@children)
	{
		waitpid $_, 0;
		die 'objects could not be put' if $?;
	}
	$client->put($bucket, "$prefix/.waltools/archive", $model);
	return "s3://$bucket/$prefix";
}

sub left
{
	my ($prefix) = @_;
	return map { s{^\Q$prefix\E/}{}r } grep { !/\.waltools/ } $gateway->objects($bucket, "$prefix/");
}

sub name { return segment_name(number => $_[0], timeline => $_[1] // 1) }

# ---- many

my @many = (
	(map { name($_) . '.zst' } 1 .. 1200),
	(map { name($_, 2) . ($_ % 2 ? '.lz4' : '') } 800 .. 1700),
	(map { name($_, 10) . '.gz' } 1000 .. 1400),
	'00000002.history.zst', '0000000A.history', name(5) . '.00000028.backup.zst', name(1100, 2) . '.partial.zst', name(300) . '.partial',
	name(7) . '.zst.tmp', 'README', name(3) . '.txt', 'sub/' . name(3) . '.zst', '.waltools/probe',
);
{
	my $archive = fill('many', @many);
	$gateway->put($bucket, 'many2/' . name(1), '');
	$gateway->put($bucket, 'man/' . name(1), '');
	my $goes = sub {
		my ($name, $cutoff) = @_;
		return $name =~ /^[0-9A-F]{24}(?:\.partial)?(?:\.zst|\.lz4|\.gz)?$/ && (substr $name, 8, 16) lt (substr $cutoff, 8);
	};

	# little to do
	my $cutoff = name(11);
	$proxy->clear;
	my $dry = run('walclean', '-n', $archive, $cutoff);
	is($dry->{code}, 0, '--dry-run') or diag($dry->{err});
	is(join("\n", sort(lines($dry->{out}))), join("\n", sort map { "$archive/$_" } grep { $goes->($_, $cutoff) } @many), '... lists what would go');
	is($proxy->request_count('POST') + $proxy->request_count('DELETE'), 0, '... and nothing else');
	my $few = $proxy->request_count;
	cmp_ok($few, '<=', 8, '... in few requests') or diag(requests_told($proxy));
	is(join(' ', sort(left('many'))), join(' ', sort grep { !/waltools/ } @many), '... all is there');
	$proxy->clear;
	succeeds('ten of 2,500 go', { out => '' }, 'walclean', $archive, $cutoff);
	cmp_ok($proxy->request_count, '<=', 9, '... in few requests') or diag(requests_told($proxy));
	my %left = map { $_ => 1 } grep { !/waltools/ && !$goes->($_, $cutoff) } @many;
	is(join(' ', sort(left('many'))), join(' ', sort keys %left), '... these ten');
	$proxy->clear;
	succeeds('again: nothing to do', { out => '' }, 'walclean', $archive, $cutoff);
	cmp_ok($proxy->request_count, '<=', 8, '... in few requests') or diag(requests_told($proxy));

	# much to do
	$cutoff = name(1300, 2);
	$proxy->clear;
	succeeds('most of it goes', { out => '', timeout => 120 }, 'walclean', '--timeout=60s', $archive, $cutoff);
	is(join(' ', sort(left('many'))), join(' ', sort grep { !$goes->($_, $cutoff) } keys %left), '... what is older, whatever its timeline');
	cmp_ok($proxy->request_count('GET'),  '<=', 12, '... in few lists') or diag(requests_told($proxy));
	cmp_ok($proxy->request_count('POST'), '<=', 3,  '... and few requests that remove') or diag(requests_told($proxy));
	is(scalar($gateway->objects($bucket, 'many2/')) + scalar($gateway->objects($bucket, 'man/')), 2, 'neighbours are not touched');
	ok(defined $gateway->head($bucket, 'many/sub/' . name(3) . '.zst'), '... nor what lies below');
	succeeds('-b', 'walclean', '-b', $archive, $cutoff);
	is(join(' ', grep { /backup/ } left('many')), '', '... takes the backup history files');
	succeeds('-x', 'walclean', '-x', '.zst.tmp', $archive, $cutoff);
	is(join(' ', grep { /tmp/ } left('many')), '', '... takes what has another suffix');
	is(join(' ', sort grep { /history|README/ } left('many')), '00000002.history.zst 0000000A.history README', '... and never a history file');
	succeeds('24 zeros', 'walclean', $archive, '0' x 24);
}

# ---- what is said

{
	my $archive = fill('said', map { name($_) . '.zst' } 1 .. 3);
	my $run = run('walclean', '-n', '-d', $archive, name(3));
	is(join("\n", sort(lines($run->{err}))), join("\n", (map { "walclean: file \"$archive/" . name($_) . '.zst" would be removed' } 1, 2),
			"walclean: keeping WAL file \"$archive/" . name(3) . '" and later'), '-d with -n says so');
	$run = run('walclean', '-d', $archive, name(3));
	is(join("\n", sort(lines($run->{err}))), join("\n", "walclean: keeping WAL file \"$archive/" . name(3) . '" and later',
			map { "walclean: removing file \"$archive/" . name($_) . '.zst"' } 1, 2), '-d says what goes');
	is(join(' ', left('said')), name(3) . '.zst', '... which has gone');
	refuses('no name of a segment', { code => 2 }, 'walclean', $archive, 'bad');
	refuses('an object for a name', { code => 2 }, 'walclean', $archive, name(3) . '.zst');
	refuses("another cluster's archive", { code => 4, cwd => data_directory('other', sysid => SYSID + 1) }, 'walclean', $archive, name(4));
	is(join(' ', left('said')), name(3) . '.zst', '... is not touched');
}

# ---- what can't be removed

sub errors
{
	my (@names) = @_;
	return '<?xml version="1.0"?><DeleteResult>' . join('', map { "<Error><Key>$_</Key><Code>AccessDenied</Code><Message>Access Denied</Message></Error>" } @names)
	  . '</DeleteResult>';
}

{
	my @names = map { name($_) . '.zst' } 1 .. 5;
	my $archive = fill('stubborn', @names);
	$proxy->fault('answer', method => 'POST', body => errors(map { "stubborn/$_" } @names[ 1, 3 ]));
	my $run = run('walclean', $archive, name(5));
	is($run->{code}, 6, 'two objects are locked') or diag($run->{err});
	like($run->{err}, qr/^walclean: error: .*\Q$_\E.*AccessDenied/m, "... $_ is told") for @names[ 1, 3 ];
	is(scalar(lines($run->{err})), 3, '... and how many') or diag($run->{err});
	$proxy->clear;

	$proxy->fault('answer', method => 'POST', body => '<DeleteResult><Error><Key>stubborn/one</Key><Code>NoSuchKey</Code></Error><Error><Key>stubborn/'
		  . "$names[0]</Key><Message>locked</Message></Error><Error><Code>AccessDenied</Code></Error></DeleteResult>");
	$run = run('walclean', $archive, name(5));
	is($run->{code}, 6, 'one is locked for a reason that is not given, one that is not named is forbidden') or diag($run->{err});
	like($run->{err}, qr/^walclean: error: .*\Q$names[0]\E: no reason given: locked$/m, '... the first is told');
	like($run->{err}, qr/^walclean: error: can't remove [?]: AccessDenied: $/m, '... and the other, as itself') or diag($run->{err});
	$proxy->clear;
}

my $html = "<html><body>Please log in.</body></html>\n";
for my $case (
	# what, exit code, what is left of 1 to 5 when 5 is the oldest to keep, fault
	[ 'DeleteObjects is not known: 501',       0, [5], 'answer', status => 501, code => 'NotImplemented' ],
	[ 'DeleteObjects is not known: 405',       0, [5], 'answer', status => 405, code => 'MethodNotAllowed' ],
	[ '503 once',                              0, [5], 'answer', status => 503, code => 'SlowDown', times => 1 ],
	[ 'the answer is lost',                    0, [5], 'lose_answer', times => 1 ],
	[ 'the answer is cut',                     0, [5], 'cut_answer', after => 30, times => 1 ],
	[ '200 with an error, once',               0, [5], 'answer', status => 200, code => 'InternalError', times => 1 ],
	[ '200 with HTML',                         3, [ 1 .. 5 ], 'answer', status => 200, body => $html ],
	[ '200 with nothing',                      3, [ 1 .. 5 ], 'answer', status => 200 ],
	[ '200, cut off',                          3, [ 1 .. 5 ], 'answer', status => 200, body => '<DeleteResult><Deleted><Key>' ],
	[ '503 for ever',                          3, [ 1 .. 5 ], 'answer', status => 503, code => 'SlowDown' ],
	[ 'DeleteObjects is forbidden, DELETE not', 0, [5], 'answer', status => 403, code => 'AccessDenied' ],
	[ 'both are forbidden',                    3, [ 1 .. 5 ], 'answer', status => 403, code => 'AccessDenied' ],
	[ '404 NoSuchBucket',                      3, [ 1 .. 5 ], 'answer', status => 404, code => 'NoSuchBucket' ],
	[ '404 NoSuchKey',                         3, [ 1 .. 5 ], 'answer', status => 404, code => 'NoSuchKey' ],
	[ 'it stalls',                             3, [ 1 .. 5 ], 'stall_request' ],
  )
{
	my ($what, $code, $left, $fault, @how) = @$case;
	state $count = 0;
	my $prefix = 'fails' . ++$count;
	my $archive = fill($prefix, map { name($_) . '.zst' } 1 .. 5);
	$proxy->fault($fault, method => $_, @how) for 'POST', ($what =~ /^both/ ? 'DELETE' : ());
	my $run = run('walclean', $archive, name(5));
	my @wrong = $code ? one_error($run, 'walclean', $code) : ();
	push @wrong, "exit code $run->{code}" if $run->{code} != $code || $code == 0 && $run->{err} ne '';
	push @wrong, 'left: ' . join ' ', left($prefix) if join(' ', left($prefix)) ne join ' ', map { name($_) . '.zst' } @$left;
	push @wrong, "took $run->{seconds} s" if late($run, 10);
	ok(!@wrong, "removing: $what") or diag(join "\n", @wrong, told_all($run));
	$proxy->clear;
	succeeds('... then it goes on', 'walclean', $archive, name(5));
	is(join(' ', left($prefix)), name(5) . '.zst', '... to the end');
}

{
	my $archive = fill('single', map { name($_) . '.zst' } 1 .. 5);
	$proxy->fault('answer', method => 'POST', status => 501, code => 'NotImplemented');
	$proxy->fault('answer', method => 'DELETE', path => name(2), status => 403, code => 'AccessDenied');
	$proxy->fault('answer', method => 'DELETE', path => name(3), status => 404, code => 'NoSuchKey');
	my $run = run('walclean', $archive, name(5));
	is($run->{code}, 6, 'one by one: one of them is locked') or diag($run->{err});
	like($run->{err}, qr/^walclean: error: .*${\name(2)}\.zst.*AccessDenied/m, '... which is told');
	is(scalar(lines($run->{err})), 2, '... and how many') or diag($run->{err});
	is(join(' ', left('single')), join(' ', map { name($_) . '.zst' } 2, 3, 5), '... the others have gone');
	$proxy->clear;
}

{
	my $archive = fill('away', map { name($_) . '.zst' } 1 .. 12);
	$proxy->fault('answer', method => 'POST', status => 501, code => 'NotImplemented');
	$proxy->fault('answer', method => 'DELETE', status => 503, code => 'SlowDown');
	my $run = run('walclean', $archive, name(12));
	is(join("\n", one_error($run, 'walclean', 3)), '', 'one by one: the server is out of reach') or diag(told_all($run));
	in_time($run, 6);
	my %asked = map { $_->{path} => 1 } $proxy->requests('DELETE');
	is(scalar(keys %asked), 1, '... which is not tried again for each object');
	$proxy->clear;

	$proxy->fault('answer', method => 'POST', status => 501, code => 'NotImplemented');
	$proxy->fault('stall_answer', method => 'DELETE');
	my $started = WalRace::start(undef, undef, 'walclean', '--timeout=20s', $archive, name(12));
	ok((wait_until { $proxy->request_count('DELETE') } 20), 'one by one: it stalls');
	kill 'TERM', $started->{pid};
	$run = WalRace::finish($started);
	is($run->{signal}, 15, '... and ends by a signal');
	is(scalar(my @told = grep { /can't remove/ } lines($run->{err})), 0, '... without a word on each object') or diag($run->{err});
	$proxy->clear;
}

# ---- lists that can't be trusted remove nothing that should stay

for my $case (
	[ 'HTML',           'answer', status => 200, body => $html ],
	[ '403',            'answer', status => 403, code => 'AccessDenied' ],
	[ '503 for ever',   'answer', status => 503, code => 'SlowDown' ],
	[ 'NoSuchKey',      'answer', status => 404, code => 'NoSuchKey' ],
	[ 'keys from elsewhere', 'edit_answer', pattern => '<Key>lists', replacement => '<Key>other' ],
	[ 'no order',       'edit_answer', pattern => '(<Contents>.*?</Contents>)(.*</Contents>)', replacement => '\2\1' ],
	[ 'no end, and no heed where it is to begin', 'same_page' ],
	[ 'cut off',        'edit_answer', pattern => '</ListBucketResult>', replacement => '' ],
  )
{
	my ($what, $fault, @how) = @$case;
	my $archive = fill('lists', map { name($_) . '.zst' } 1 .. 5);
	$proxy->fault($fault, method => 'GET', path => 'list-type', @how);
	my $run = run({ timeout => 60 }, 'walclean', $archive, name(3));
	is(join("\n", one_error($run, 'walclean', 3)), '', "a list: $what") or diag(told_all($run));
	is(join(' ', (left('lists'))[ -3 .. -1 ]), join(' ', map { name($_) . '.zst' } 3 .. 5), '... what is to stay has stayed');
	$proxy->clear;
}

# ---- versions

{
	# Removing several versions beside each other brings Ceph 16 down.
	my $one_by_one = CephGateway->start(settings => { rgw_multi_obj_del_max_aio => 1 });
	my $versioned  = $one_by_one->bucket('versioned', versioning => 'Enabled');
	act_as($one_by_one);
	run('walpush', "s3://$versioned/main", map { put_segment($server, number => $_) } 1 .. 3);
	succeeds('a bucket with versioning', 'walclean', "s3://$versioned/main", name(3));
	is(join(' ', grep { !/waltools/ } $one_by_one->objects($versioned)), 'main/' . name(3) . '.zst', '... what is older is hidden');
	succeeds('... and not found again', { out => '' }, 'walclean', '-n', "s3://$versioned/main", name(3));
}

done_testing;
