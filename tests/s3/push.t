# An archive in S3: what goes in comes back, once, under its name, in as few requests as it can.

use FindBin;
use lib "$FindBin::Bin/../lib";
use CephGateway;
use FaultProxy;
use S3Test;

my $gateway = CephGateway->start;
my $proxy   = FaultProxy->start($gateway);
act_as($gateway);
my $server = data_directory('server');
my $other  = data_directory('other', sysid => SYSID + 1);

# ---- the four kinds of file

my %kinds = (
	segment_name(number => 2)              => segment(number => 2),
	segment_name(number => 3) . '.partial' => segment(number => 3, end => 'stale'),
	'00000002.history'                     => history_text(),
	backup_name(number => 2)               => backup_text(number => 2),
);
my %changed = (
	segment_name(number => 2)              => segment(number => 2, seed => 2),
	segment_name(number => 3) . '.partial' => segment(number => 3, end => 'switch'),
	'00000002.history'                     => history_text([ 1, 0x3000060 ]),
	backup_name(number => 2)               => backup_text(number => 2, label => 'weekly'),
);
my @own = qw(main/.waltools/archive main/.waltools/probe);
my %suffix = (zstd => '.zst', lz4 => '.lz4', gzip => '.gz', none => '');

for my $coding (qw(zstd lz4 gzip none))
{
	my $bucket  = $gateway->bucket("kinds-$coding");
	my $archive = "s3://$bucket/main";
	forget();
	for my $name (sort keys %kinds)
	{
		my $file = put($server, $name, $kinds{$name});
		succeeds("$coding, pushed: $name", { cwd => $server }, 'walpush', "--compress=$coding", $archive, "pg_wal/$name");
		is(fetched($archive, $file, "--compress=$coding"), '', '... and it comes back byte for byte');
	}
	is(join("\n", sort $gateway->objects($bucket)), join("\n", sort @own, map { "main/$_$suffix{$coding}" } keys %kinds),
		'they lie under their names, nothing else does');
	my $before = contents($gateway, $bucket);
	for my $name (sort keys %kinds)
	{
		for my $memory ([], ['--cache=none'])
		{
			succeeds("$coding, again: $name @$memory", 'walpush', "--compress=$coding", @$memory, $archive, pg_wal($server) . "/$name");
			my $run = run('walpush', '-v', "--compress=$coding", @$memory, $archive, pg_wal($server) . "/$name");
			like($run->{err}, qr/^walpush: .*already archived\n/m, '... which -v tells');
		}
	}
	is(contents($gateway, $bucket), $before, '... and nothing has changed');
	for my $name (sort keys %kinds)
	{
		my $file = put($server, $name, $changed{$name});
		my ($here, $there) = map { substr Digest::SHA::sha256_hex($_), 0, 16 } $changed{$name}, $kinds{$name};
		my ($here_size, $there_size) = (length $changed{$name}, length $kinds{$name});
		my $like = qr/there $there_size bytes.*$there.*here $here_size bytes.*$here/;
		for my $memory ([], ['--cache=none'])
		{
			refuses("$coding, refused: other content for $name @$memory", { code => 4, like => $like }, 'walpush', "--compress=$coding",
				@$memory, $archive, $file);
		}
		refuses('... and with another coding', { code => 4, like => $like }, 'walpush',
			$coding eq 'lz4' ? '--compress=none' : '--compress=lz4', $archive, $file);
	}
	is(contents($gateway, $bucket), $before, '... and nothing has changed');
	unlink glob pg_wal($server) . '/0*';
}

# ---- how many requests

{
	my $bucket = $gateway->bucket('requests');
	my @archive = ("s3://$bucket/main");
	act_as($gateway, endpoint => $proxy->endpoint);
	forget();

	my $counted = sub {
		my ($title, $at_most, @command) = @_;
		$proxy->clear;
		my $run = succeeds($title, { cwd => $server }, @command);
		cmp_ok($proxy->request_count, '<=', $at_most, "... in $at_most requests") or diag(requests_told($proxy));
		is($run->{err}, '', '... and nothing is said');
	};
	my $first = next_segment($server);
	$counted->('the first push of all', 8, 'walpush', @archive, $first);
	for my $kind ('a segment', 'the next one')
	{
		my $file = next_segment($server);
		$counted->("$kind is pushed", 1, 'walpush', @archive, $file);
		is(($proxy->requests)[0]{headers}{'if-none-match'}, '*', '... create-only');
		$counted->("$kind is fetched", 1, 'walfetch', @archive, File::Basename::basename($file), 'pg_wal/RECOVERYXLOG');
	}
	$counted->('a backup history file', 1, 'walpush', @archive, put($server, backup_name(number => 2), backup_text(number => 2)));
	$counted->('a partial segment',     2, 'walpush', @archive, put_segment($server, number => 3, suffix => '.partial', end => 'stale'));
	$counted->('a timeline history file', 3, 'walpush', @archive, put($server, '00000002.history', history_text()));
	$counted->('several files', 3, 'walpush', @archive, map { next_segment($server) } 1 .. 3);
	is(scalar(keys %{ { map { $_->{connection} => 1 } $proxy->requests } }), 1, '... over one connection');
	$counted->('the same segment again', 3, 'walpush', @archive, $first);
	$proxy->clear;
	$proxy->fault('capitals');
	succeeds('... by a server that writes headers with capitals', 'walpush', @archive, $first);
	is($proxy->request_count('GET', qr{main/${\File::Basename::basename($first)}}), 0, '... is compared without a download') or diag(requests_told($proxy));
	$counted->('another server, which knows nothing yet', 8, 'walpush', '--cache=none', @archive, next_segment($server));
	is(scalar(grep { $_->{received} && $_->{received} > 1000 } $proxy->requests), 1, '... and the content goes up once');
	$counted->('walclean, with nothing to do (and no standby)', 4, 'walclean', @archive, segment_name(number => 1));

	my $memory = scratch('memory');
	$counted->('a directory of its own to remember in', 8, 'walpush', "--cache=$memory", @archive, next_segment($server));
	$counted->('... and remembered', 1, 'walpush', "--cache=$memory", @archive, next_segment($server));
	chmod 0777, $memory;
	$counted->('what others can write to is not believed', 8, 'walpush', "--cache=$memory", @archive, next_segment($server));
	cmp_ok($proxy->request_count, '>', 1, '... but asked again');
	chmod 0700, $memory;
	my ($note) = glob "$memory/*";
	unlike(slurp($note), qr/\Q${\$gateway->secret_key}\E/, 'no secret is remembered');
	spew($note, slurp($note) x 20, "\0rubbish");
	$counted->('rubbish in the memory', 8, 'walpush', "--cache=$memory", @archive, next_segment($server));
	succeeds('a memory that can not be', 'walpush', '--cache=/proc/nowhere', @archive, next_segment($server));
	is(run('walfetch', @archive, segment_name(number => 9999), scratch() . '/absent')->{code}, 1, 'absent');
	act_as($gateway);
}

# ---- one archive, one cluster

{
	my $bucket  = $gateway->bucket('cluster');
	my $archive = "s3://$bucket/main";
	my ($ours, $theirs) = (SYSID, SYSID + 1);
	succeeds('the first cluster', 'walpush', $archive, my $file = next_segment($server));
	my %theirs = (
		segment_name(number => 9)              => segment(number => 9, sysid => SYSID + 1),
		segment_name(number => 9) . '.partial' => segment(number => 9, sysid => SYSID + 1),
		'00000007.history'                     => history_text(),
		backup_name(number => 9)               => backup_text(number => 9),
	);
	for my $name (sort keys %theirs)
	{
		put($other, $name, $theirs{$name});
		for my $option ([], ['--init'], ['--cache=none'])
		{
			stays { refuses("another cluster's $name (@$option)", { code => 4, like => qr/$ours.*$theirs/ }, 'walpush', @$option, $archive,
					pg_wal($other) . "/$name") } $gateway, $bucket;
		}
	}
	refuses('nor does another cluster fetch from it', { code => 4, cwd => $other }, 'walfetch', $archive, File::Basename::basename($file),
		'pg_wal/RECOVERYXLOG');
	stays { refuses('nor clean it', { code => 4, cwd => $other }, 'walclean', $archive, segment_name(number => 9999)) } $gateway, $bucket;
	refuses('nor does it prove an absence', { code => 4, cwd => $other }, 'walfetch', $archive, segment_name(number => 9998),
		'pg_wal/RECOVERYXLOG');
}

# ---- an empty archive

{
	my $bucket = $gateway->bucket('empty');
	my $old = data_directory('old');
	spew("$old/pg_wal/archive_status/" . segment_name(number => 1) . '.done', '');
	my $file = next_segment($old);
	refuses('an empty archive below a server that has archived', { code => 4, cwd => $old, like => qr/walpush --init/ }, 'walpush',
		"s3://$bucket/main", $file);
	is(join(' ', $gateway->objects($bucket)), '', '... stays empty');
	succeeds('... until it is said to be new', { cwd => $old }, 'walpush', '--init', "s3://$bucket/main");
	succeeds('... and then takes the file', 'walpush', "s3://$bucket/main", $file);
	succeeds('both at once', 'walpush', '--init', "s3://$bucket/other", $file);
	succeeds('a second time it does not matter', { cwd => $old }, 'walpush', '--init', "s3://$bucket/main");
	refuses('beside it, an empty prefix is no part of it', { code => 4, cwd => $old }, 'walpush', "s3://$bucket/mai", $file);
}

# ---- an archive that has lost what it was

{
	my $bucket  = $gateway->bucket('lost');
	my $archive = "s3://$bucket/main";
	forget();
	succeeds('an archive is used', 'walpush', $archive, next_segment($server));
	$gateway->delete($bucket, $_) for $gateway->objects($bucket);
	for my $note (remembered())
	{
		my $text = slurp($note);
		my $then = time - 7200;
		$text =~ s/^confirmed=\d+$/confirmed=$then/m or fail('the memory tells when');
		spew($note, $text);
	}
	my $file = next_segment($server);
	refuses('two hours later it is empty', { code => 4, like => qr/lost its identity.*walpush --init/ }, 'walpush', $archive, $file);
	is(join(' ', $gateway->objects($bucket)), '', '... and stays so');
	succeeds('... unless that is meant', 'walpush', '--init', $archive, $file);
	succeeds('... which is then remembered', 'walpush', $archive, next_segment($server));
}

# ---- names

{
	my $bucket = $gateway->bucket('names');
	my $file = next_segment($server);
	my $name = File::Basename::basename($file) . '.zst';
	succeeds('a//b/ is', 'walpush', "s3://$bucket/a//b/", $file);
	is(join(' ', $gateway->objects($bucket, 'a')), join(' ', map { "a/b/$_" } '.waltools/archive', '.waltools/probe', $name), '... a/b');
	is(fetched("s3://$bucket/$_", $file), '', "... and s3://$bucket/$_ is the same") for 'a/b', 'a/b/', '/a/b', 'a/b///';
	succeeds('no prefix at all', 'walpush', "s3://$bucket", $file);
	is(fetched("s3://$bucket/", $file), '', '... and with a slash');
	ok(defined $gateway->head($bucket, $name), '... it lies at the top');
	is(fetched("s3://$bucket/a/b", $file), '', '... beside the other');
	for my $prefix ('with space', 'per%cent', 'per%41cent', 'plus+plus', 'and&and', 'what?', 'hash#tag', '~home', q('single'), '"double"',
		"\xc3\xbc\xe2\x82\xac", 'semi;colon', 'at@host', 'equal=s', 'col:on', 'comma,', '<less>', '(paren)*', '$dollar!', 'a/../b', './c',
		'back\\slash', '[bracket]', 'pipe|', '^`{}')
	{
		succeeds("prefix $prefix", 'walpush', "s3://$bucket/$prefix/x", $file);
		ok(defined $gateway->head($bucket, "$prefix/x/$name"), '... is that of the key');
		is(fetched("s3://$bucket/$prefix/x", $file), '', '... and it comes back');
		is(run('walfetch', "s3://$bucket/$prefix/x", segment_name(number => 9999), '-')->{code}, 1, '... and what is absent is absent')
		  or diag($prefix);
		succeeds('... and it is cleaned', 'walclean', "s3://$bucket/$prefix/x", segment_name(number => 9999));
		ok(!defined $gateway->head($bucket, "$prefix/x/$name"), '... away');
	}
}

# ---- what an object says of itself

{
	my $bucket  = $gateway->bucket('metadata');
	my $archive = "s3://$bucket/main";
	my $file    = next_segment($server, timeline => 3);
	my $name    = File::Basename::basename($file);
	succeeds('a push', 'walpush', $archive, $file);
	my $head = $gateway->head($bucket, "main/$name.zst");
	my %expected = (
		name                => $name,
		'raw-sha256'        => Digest::SHA::sha256_hex(slurp($file)),
		'raw-size'          => MB,
		timeline            => 3,
		'server-version'    => 15,
		'system-identifier' => SYSID,
	);
	is($head->{"x-amz-meta-waltools-$_"}, $expected{$_}, "the metadata tell $_") for sort keys %expected;
	like($head->{'x-amz-meta-waltools-time'}, qr/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/, 'the metadata tell the time');
	my $object = spew(scratch() . '/object.zst', $gateway->get($bucket, "main/$name.zst"));
	ok(run('zstd', '-dcq', $object)->{out} eq slurp($file), 'zstd alone gives the content back');
	like($gateway->get($bucket, 'main/.waltools/archive'), qr/^system-identifier=${\SYSID}$/m, 'the identity tells whose it is');
}

# ---- what another tool has stored

{
	my $bucket  = $gateway->bucket('foreign');
	my @files   = map { next_segment($server) } 1 .. 5;
	my ($plain, $gzip, $xz, $zstd, $new) = map { File::Basename::basename($_) } @files;
	$gateway->put($bucket, "wal/$plain", slurp($files[0]));
	$gateway->put($bucket, "wal/$gzip.gz", run('gzip', '-c', $files[1])->{out});
	$gateway->put($bucket, "wal/$xz.xz", run('xz', '-c', $files[2])->{out});
	$gateway->put($bucket, "wal/$zstd.zst", run('zstd', '-qc', $files[3])->{out});
	is(fetched("s3://$bucket/wal", $files[$_]), '', 'fetched: what another tool has stored') for 0 .. 3;
	succeeds('pushed again: the same', 'walpush', "s3://$bucket/wal", @files);
	refuses('another cluster', { code => 4 }, 'walpush', "s3://$bucket/wal", put_segment($other, number => 77, sysid => SYSID + 1));
	put_segment($server, number => hex substr($gzip, 16), seed => 9);
	stays { refuses('other content', { code => 4, like => qr/$gzip\.gz with other content/ }, 'walpush', "s3://$bucket/wal", $files[1]) }
	  $gateway, $bucket;
}

# ---- absent only when it is proved

{
	my $bucket  = $gateway->bucket('absent');
	my $archive = "s3://$bucket/main";
	my @files   = map { put_segment($server, number => 200 + $_) } 0 .. 3;
	succeeds('segments 200 to 203', 'walpush', $archive, @files);
	my ($pitr, $standby) = (recovering('pitr'), standing_by('standby'));
	my $get = sub {
		my ($in, $number) = @_;
		return run({ cwd => $in }, 'walfetch', '--timeout=300ms', $archive, segment_name(number => $number), 'pg_wal/RECOVERYXLOG');
	};
	is($get->($_, 204)->{code}, 1, 'behind the last one is the end') for $server, $pitr, $standby;
	is($get->($pitr, 199)->{code}, 254, 'before the first one something has been removed');
	is(run({ cwd => $_ }, 'walfetch', $archive, '00000002.history', 'pg_wal/RECOVERYHISTORY')->{code}, 1, 'a timeline that is not there')
	  for $server, $pitr, $standby;
	$gateway->delete($bucket, 'main/' . segment_name(number => 202) . '.zst');
	is($get->($pitr, 202)->{code}, 254, 'a hole stops a recovery');
	is($get->($standby, 202)->{code}, 3, '... and a standby asks again');
	$archive = "s3://$bucket/nothing";
	is($get->($pitr, 201)->{code}, 254, 'an empty prefix proves nothing');
	is($get->($standby, 201)->{code}, 3, '... to a standby neither');
	is($get->($server, 201)->{code}, 3, '... to nobody');
}

# ---- what can't be an archive

{
	my $file = next_segment($server);
	my $name = File::Basename::basename($file);
	my @programs = ([ 'walpush', undef, $file ], [ 'walfetch', undef, $name, scratch() . '/fetched' ], [ 'walclean', undef, $name ]);
	my $tried = sub {
		my ($code, $like, $title, $archive, @options) = @_;
		for my $program (@programs)
		{
			my ($command, undef, @operands) = @$program;
			refuses("$command, $title", { code => $code, like => $like }, $command, '--timeout=1s', @options, $archive, @operands);
		}
	};
	$tried->(3, qr/bucket/, 'a bucket that is not there', 's3://nowhere/main');
	$tried->(2, qr/bucket/, "the bucket's name: '$_'", "s3://$_/main") for '', 'ab', '.wal', 'a..b', 'wal_@x', '-wal', 'wal?x', 'a b', '../x';
	$tried->(2, qr/s3-endpoint/, "the endpoint: $_", 's3://wal/main', "--s3-endpoint=$_")
	  for 'localhost:9', 'ftp://localhost', 'http://', 'https://host/path', 'https://user@host', 'https://host?x', 'http://127.0.0.1 x', '';
	$tried->(2, qr/port|URL|s3-endpoint/i, "the endpoint's port: $_", 's3://wal/main', "--s3-endpoint=http://127.0.0.1:$_") for 'x', '99999';
	$tried->(2, qr/not encrypted/, "plain HTTP: $_", 's3://wal/main', "--s3-endpoint=$_")
	  for 'http://192.0.2.1', 'http://192.0.2.1:8080', 'http://s3.example', 'http://localhost.example', 'http://127.0.0.1.example',
	  'http://127.example', 'HTTP://192.0.2.1', 'http://[::2]';
	$tried->(2, qr/region/, "the region: '$_'", 's3://wal/main', "--s3-region=$_") for 'eu west', 'eu/../x', "a\nb", '"';
	$tried->(3, qr/127\.0\.0\.1/, 'nobody listens', 's3://wal/main', '--s3-endpoint=http://127.0.0.1:' . ServerProcess::reserve_port());
	$tried->(3, qr/\S/, 'a host that is not there', 's3://wal/main', '--s3-endpoint=https://nowhere.invalid');
	for my $program (@programs)
	{
		my ($command, undef, @operands) = @$program;
		refuses("$command, without keys", { code => 2, like => qr/credentials|keys/, env => { AWS_ACCESS_KEY_ID => undef, AWS_SECRET_ACCESS_KEY => undef } },
			$command, '--timeout=1s', 's3://wal/main', @operands);
		refuses("$command, with wrong keys", { code => 3, like => qr/secret key/, env => { AWS_SECRET_ACCESS_KEY => 'wrong' } }, $command,
			'--timeout=1s', 's3://kinds-zstd/main', @operands);
		refuses("$command, unknown keys", { code => 3, like => qr/access key/, env => { AWS_ACCESS_KEY_ID => 'NOBODY' } }, $command,
			'--timeout=1s', 's3://kinds-zstd/main', @operands);
	}
}

done_testing;
