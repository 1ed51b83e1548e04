# walpush: what goes in, what doesn't, and what is said about it.

use FindBin;
use lib "$FindBin::Bin/../lib";
use CliTest;

my $server = data_directory('server');
my $other  = data_directory('other', sysid => SYSID + 1);

sub content_of
{
	my ($archive, $name) = @_;
	my $run = run({ timeout => 120 }, 'walfetch', $archive, $name, '-');
	return $run->{code} == 0 ? $run->{out} : "exit code $run->{code}: $run->{err}";
}

# ---- the four kinds of file

my %kinds = (
	segment_name(number => 2)              => segment(number => 2),
	segment_name(number => 3) . '.partial' => segment(number => 3, end => 'stale'),
	'00000002.history'                     => history_text(),
	backup_name(number => 2)               => backup_text(number => 2),
);
{
	my $archive = scratch('kinds');
	for my $name (sort keys %kinds)
	{
		put($server, $name, $kinds{$name});
		succeeds("pushed: $name", { cwd => $server }, 'walpush', $archive, "pg_wal/$name");
		ok(content_of($archive, $name) eq $kinds{$name}, '... and it comes back byte for byte');
	}
	is(stored($archive), join(' ', sort map { "$_.zst" } keys %kinds), 'they lie under their names, nothing else does');
	my $before = listing($archive);
	for my $name (sort keys %kinds)
	{
		my $run = succeeds("again: $name", 'walpush', $archive, pg_wal($server) . "/$name");
		is(listing($archive), $before, '... and nothing changes');
		$run = run('walpush', '-v', $archive, pg_wal($server) . "/$name");
		like($run->{err}, qr/\Awalpush: .*already archived\n\z/, '... which -v tells');
	}
}

# ---- other content under a name that is taken

for my $coding (qw(zstd lz4 gzip none))
{
	my $archive = scratch("taken_$coding");
	my %changed = (
		segment_name(number => 2)              => segment(number => 2, seed => 2),
		segment_name(number => 3) . '.partial' => segment(number => 3, end => 'switch'),
		'00000002.history'                     => history_text([ 1, 0x3000060 ]),
		backup_name(number => 2)               => backup_text(number => 2, label => 'weekly'),
	);
	for my $name (sort keys %kinds)
	{
		put($server, $name, $kinds{$name});
		succeeds("$coding, pushed: $name", 'walpush', "--compress=$coding", $archive, pg_wal($server) . "/$name");
		put($server, $name, $changed{$name});
		my ($here, $there) = map { substr Digest::SHA::sha256_hex($_), 0, 16 } $changed{$name}, $kinds{$name};
		my ($here_size, $there_size) = (length $changed{$name}, length $kinds{$name});
		refuses("$coding, refused: other content for $name",
			{ code => 4, keeps => [$archive], like => qr/there $there_size bytes.*$there.*here $here_size bytes.*$here/ },
			'walpush', $archive, pg_wal($server) . "/$name");
		refuses('... and with another coding', { code => 4, keeps => [$archive], like => qr/$there.*$here/ },
			'walpush', $coding eq 'lz4' ? '--compress=none' : '--compress=lz4', $archive, pg_wal($server) . "/$name");
	}
	unlink glob pg_wal($server) . '/0*';
}

# ---- sizes and places

for my $case (
	[ 1,    5 ],
	[ 2,    0x1000 ],
	[ 16,   0x2A ],
	[ 64,   0x40 ],
  )
{
	my ($megabytes, $number) = @$case;
	my $archive = scratch("size_$megabytes");
	my @what = (size => $megabytes * MB, number => $number);
	my $bytes = segment(@what);
	put($server, segment_name(@what), $bytes);
	succeeds("a segment of $megabytes MB", 'walpush', $archive, pg_wal($server) . '/' . segment_name(@what));
	ok(content_of($archive, segment_name(@what)) eq $bytes, '... comes back');
	unlink pg_wal($server) . '/' . segment_name(@what);
}
{
	my $archive = scratch('size_1024');
	my @what = (size => 1024 * MB, number => 7);
	my $small = segment(@what, size => MB, number => 7 * 1024, end => 'switch');
	substr($small, 32, 4) = pack 'V', 1024 * MB;
	my $file = put($server, segment_name(@what), $small);
	truncate $file, 1024 * MB or die $!;
	succeeds('a segment of 1 GB, most of it a hole', { timeout => 120 }, 'walpush', $archive, $file);
	my $run = run({ timeout => 120 }, 'sh', '-c', 'zstd -dcq "$1"/*.zst | cmp - "$2"', 'sh', $archive, $file);
	is($run->{out} . $run->{err}, '', '... and is there, to the last byte');
	unlink $file;
}
{
	my @what = (number => 3 * 4096 + 17, timeline => 0xABCDEF);
	my $archive = scratch('far');
	is(segment_name(@what), '00ABCDEF0000000300000011', 'beyond 4 GB');
	succeeds('... it goes in', 'walpush', $archive, put_segment($server, @what));
}

# ---- several files

{
	my $archive = scratch('several');
	my @files = map { put_segment($server, number => $_) } 1 .. 5;
	spew($files[2], 'rubbish');
	refuses('several files: the first bad one stops the run', { code => 5, like => qr/$files[2]/ }, 'walpush', $archive,
		@files);
	is(stored($archive), join(' ', map { segment_name(number => $_) . '.zst' } 1, 2),
		'... those before it are there, those behind it not');
	put_segment($server, number => 3);
	succeeds('... and the rest follows', 'walpush', $archive, @files, $files[0]);
	is(stored($archive), join(' ', map { segment_name(number => $_) . '.zst' } 1 .. 5), '... all of it');
}

# ---- one archive, one cluster

{
	my $archive = new_archive('one_cluster', $server);
	my ($ours, $theirs) = (SYSID, SYSID + 1);
	my %theirs = (
		segment_name(number => 9)              => segment(number => 9, sysid => SYSID + 1),
		segment_name(number => 9) . '.partial' => segment(number => 9, sysid => SYSID + 1),
		'00000007.history'                     => history_text(),
		backup_name(number => 9)               => backup_text(number => 9),
	);
	for my $name (sort keys %theirs)
	{
		put($other, $name, $theirs{$name});
		for my $option ([], ['--init'])
		{
			refuses("another cluster's $name (@$option)",
				{ code => 4, keeps => [$archive], like => qr/$ours.*$theirs/ },
				'walpush', @$option, $archive, pg_wal($other) . "/$name");
		}
	}
	my $stray = spew(scratch('stray') . '/00000009.history', history_text());
	refuses('a .history whose cluster cannot be told', { code => 4, keeps => [$archive], like => qr/data directory/ },
		'walpush', $archive, $stray);
	succeeds('... unless the working directory tells', { cwd => $server }, 'walpush', $archive, $stray);
	refuses('... and is another cluster', { code => 4, keeps => [$archive], cwd => $other }, 'walpush', $archive, $stray);
	spew("$archive/.waltools/archive", slurp("$archive/.waltools/archive") =~ s/\d(?=\ncreated)/9/r);
	refuses('a damaged identity is not believed', { code => 5, keeps => [$archive], like => qr/identity/ },
		'walpush', $archive, put_segment($server, number => 4));
}

# ---- an empty archive, and who may have it

{
	my $archive = scratch('empty');
	my $file = put_segment($server, number => 5);
	my $done = pg_wal($server) . '/archive_status/000000010000000000000004.done';
	spew($done, '');
	for my $way ($file, 'pg_wal/' . segment_name(number => 5))
	{
		my $run = refuses('an empty archive and a server that has archived before',
			{ code => 4, keeps => [$archive], like => qr/mount.*walpush --init/, cwd => $server },
			'walpush', $archive, $way);
		my ($advice) = $run->{err} =~ /(cd .*)\n/;
		like($advice // '', qr/\Acd \Q$server\E && walpush --init \Q$archive\E\z/, '... the advice is a command');
	}
	my $named = spew(scratch('named') . '/waltools.conf', "[main]\narchive = $archive\n");
	like(run({ cwd => $server }, 'walpush', "--config=$named", 'main', $file)->{err}, qr/walpush --init main$/m, '... with the name that was given');
	succeeds('... and the advice works', 'sh', '-c', "cd $server && walpush --init $archive");
	is(stored($archive), '', '... and puts nothing into it');
	my $before = listing($archive);
	succeeds('... nor does it hurt again', { cwd => $server }, 'walpush', '--init', $archive);
	is(listing($archive), $before, '... nothing changed');
	succeeds('... then the push works', 'walpush', $archive, $file);
	refuses('--init where no cluster is', { code => 4, cwd => scratch('nowhere'), keeps => [ scratch('empty3') ] },
		'walpush', '--init', scratch('empty3'));
	refuses('--init by another cluster', { code => 4, cwd => $other, keeps => [$archive] },
		'walpush', '--init', $archive);
	succeeds('--init with a file pushes at once', 'walpush', '--init', scratch('empty2'), $file);
	is(stored(scratch('empty2')), segment_name(number => 5) . '.zst', '... and the file is there');
	unlink $done;
	spew(pg_wal($server) . '/archive_status/000000010000000000000005.ready', '');
	succeeds('.ready files do not count', 'walpush', scratch('empty4'), $file);
}

# ---- an archive that cp has filled

{
	my $archive = scratch('foreign');
	my @files = map { put_segment($server, number => $_) } 1 .. 3;
	system('cp', @files[ 0, 1 ], $archive) == 0 or die;
	refuses("foreign archive of another cluster", { code => 4, keeps => [$archive], like => qr/belongs to/ },
		'walpush', $archive, put_segment($other, number => 3, sysid => SYSID + 1));
	my $mine = spew(pg_wal($server) . '/archive_status/000000010000000000000001.done', '');
	succeeds('foreign archive of this cluster is taken over', 'walpush', $archive, $files[2]);
	ok(-e "$archive/.waltools/archive", '... it has an identity now');
	succeeds('... what cp brought counts as archived', 'walpush', $archive, @files);
	is(stored($archive), join(' ', (map { segment_name(number => $_) } 1, 2), segment_name(number => 3) . '.zst'),
		'... and is not stored twice');
	put_segment($server, number => 1, seed => 5);
	refuses('... and is not overwritten', { code => 4, keeps => [$archive] }, 'walpush', $archive, $files[0]);

	my $cut = scratch('foreign_cut');
	spew("$cut/" . segment_name(number => 1), substr segment(number => 1), 0, 300_000);
	succeeds('... it is taken over', 'walpush', $cut, put_segment($server, number => 2));
	refuses('a stub that cp left on a full disk does not count as archived', { code => 4, keeps => [$cut] },
		'walpush', $cut, put_segment($server, number => 1));
	unlink $mine;

	my $compressed = scratch('foreign_gz');
	my $gz = put_segment($server, number => 1);
	succeeds('gzip by hand', 'sh', '-c', 'gzip -c "$1" > "$2"', 'sh', $gz, "$compressed/" . segment_name(number => 1) . '.gz');
	succeeds('what gzip brought counts too', 'walpush', $compressed, $gz);
	is(stored($compressed), segment_name(number => 1) . '.gz', '... and is not stored twice');
}

# ---- releases

{
	my $archive = scratch('releases');
	my $number = 1;
	for my $major (qw(9.3 9.4 9.5 9.6 10 11 12 13 14 15 16 17 18))
	{
		my $file = put_segment($server, number => $number++, major => $major);
		succeeds("PostgreSQL $major", 'walpush', $archive, $file);
	}
	my $run = run('walpush', $archive, put_segment($server, number => $number, magic => 0xD11F));
	is($run->{code}, 0, 'a release newer than the newest known');
	like($run->{err}, qr/\Awalpush: warning: [^\n]*D11F[^\n]*\n\z/, '... with a warning');
	ok(content_of($archive, segment_name(number => $number)) eq segment(number => $number, magic => 0xD11F), '... comes back');
	for my $magic (0xD071, 0xD066)
	{
		refuses(sprintf('magic %04X, too old', $magic), { code => 4, keeps => [$archive] },
			'walpush', $archive, put_segment($server, number => 30, magic => $magic));
	}
	for my $magic (0, 0x1234, 0xFFFF)
	{
		refuses(sprintf('magic %04X, no WAL', $magic), { code => 5, keeps => [$archive] },
			'walpush', $archive, put_segment($server, number => 31, magic => $magic));
	}
}

# ---- timelines and tails

{
	my $archive = scratch('timelines');
	my $mixed = segment(number => 6, timeline => 2);
	substr($mixed, 0, MB / 2) = substr segment(number => 6, timeline => 2, page_timeline => 1), 0, MB / 2;
	my %good = (
		'all pages of the old timeline' => [ 5, segment(number => 5, timeline => 2, page_timeline => 1) ],
		'half of them'                  => [ 6, $mixed ],
		'a switch, then zeros'          => [ 7, segment(number => 7, timeline => 2, end => 'switch') ],
		'nothing but a first page'      => [ 8, segment(number => 8, timeline => 2, end => 'zero', fill => 100) ],
	);
	for my $title (sort keys %good)
	{
		my ($number, $bytes) = @{ $good{$title} };
		my $name = segment_name(number => $number, timeline => 2);
		succeeds($title, 'walpush', $archive, put($server, $name, $bytes));
		ok(content_of($archive, $name) eq $bytes, '... comes back');
	}
	for my $end (qw(stale zero switch full))
	{
		my $name = segment_name(number => 9, timeline => 2) . ".partial";
		my $bytes = segment(number => 9, timeline => 2, end => $end);
		my $to = scratch("partial_$end");
		succeeds(".partial with the end '$end'", 'walpush', $to, put($server, $name, $bytes));
		ok(content_of($to, $name) eq $bytes, '... comes back');
	}
	refuses('a page of a later timeline than the name', { code => 4, keeps => [$archive], like => qr/timeline 2/ },
		'walpush', $archive, put($server, segment_name(number => 10), segment(number => 10, timeline => 2)));
	my $late = segment(number => 11);
	substr($late, 8192 * 50 + 4, 4) = pack 'V', 3;
	refuses('... also in the midst of the file', { code => 5, keeps => [$archive] },
		'walpush', $archive, put($server, segment_name(number => 11), $late));
}

# ---- the archive's directory

refuses('a missing archive is not made', { code => 3, keeps => [ scratch('missing') ], like => qr/mounted/ },
	'walpush', scratch('missing') . '/archive', put_segment($server, number => 1));
succeeds('file:///path', 'walpush', 'file://' . scratch('url'), put_segment($server, number => 1));
is(stored(scratch('url')), segment_name(number => 1) . '.zst', '... is the path');
succeeds('a path with a blank and a quote', 'walpush', scratch("it's here"), put_segment($server, number => 1));

done_testing;
