# Archives that other tools have left: recognised, read in place, never written to.

use FindBin;
use lib "$FindBin::Bin/../lib";
use CliTest;
use Digest::SHA qw(sha1_hex);
use ForeignArchive;

my $server = data_directory('server');
my $other  = data_directory('other', sysid => SYSID + 7);
my %wal    = wal();
my $number = 0;

sub made { my ($archive) = @_; return make_archive($archive, scratch('archive' . ++$number)) }

# ---- every layout, at every location that names it

my %seen;
my @some = (segment_name(number => 4096), segment_name(number => 4097) . '.partial', '00000002.history');

for my $archive (foreign_archives())
{
	my $top    = made($archive);
	my $before = listing($top);
	my ($tool) = $archive->{title} =~ /^([^,]+)/;
	my $new    = !$seen{$tool}++;
	my ($first, @below) = map { $_ eq '' ? $top : $_ eq '/' ? "$top/" : "$top/$_" } @{ $archive->{locations} };
	$new ? reads_archive($archive->{title}, $server, $first) : reads_some($archive->{title}, $server, \@some, $first);
	next if !$new;
	reads_some('... also at ' . substr($_, length $top), $server, [ $some[0] ], $_) for @below;
	my $list = succeeds('... wallist reads it', 'wallist', $first);
	like($list->{out}, qr/$_/, "... and tells: $_") for qr/ 6 segments on 2 timelines, 1 partial segment, 1 base backup/, qr/gaps +none/,
	  qr/^Timeline 2, forked from timeline 1 at 1\/140000/m;
	is(scalar($list->{out} =~ /, which is only read here$/m), $archive->{tool} ? 1 : '', '... and whose it is, where that is known');
	refuses("... another cluster's server gets nothing", { code => 4, cwd => $other }, 'walfetch', $first, segment_name(number => 4095), 'pg_wal/x');
	if ($archive->{tool})
	{
		my %refused = (code => 4, like => qr/an archive of .*\Q$archive->{tool}\E.*, which is only read here: /, cwd => $server);
		refuses('... no push', {%refused}, 'walpush', $first, put_segment($server, number => 4098, timeline => 2));
		refuses('... not by order either', {%refused}, 'walpush', '--init', $first);
		refuses('... no cleaning', {%refused}, 'walclean', $first, segment_name(number => 4096));
	}
	is(listing($top), $before, '... and nothing has changed');
}

# ---- which of several

{
	my ($main) = grep { $_->{title} eq "pgBackRest, 'gz'" } foreign_archives();
	my $top = made($main);
	my $files = $main->{files}->();
	make_archive({ files => sub { return { map { s{/main/}{/demo/}r => $files->{$_} } keys %$files } } }, $top);
	refuses('two stanzas: which?', { code => 2, like => qr{several archives, such as \S*demo/15-2 and \S*main/15-2: }, cwd => $server },
		'walfetch', $_, segment_name(number => 4095), 'pg_wal/x') for $top, "$top/archive";
	reads_archive('... the one that is named', $server, "$top/archive/demo");
	scratch(substr("$top/archive/lost+found", 1 + length scratch()));
	system('rm', '-rf', "$top/archive/demo");
	reads_archive('what is no stanza does not count', $server, $top);
}

# ---- one of ours below

{
	my $top = scratch('above');
	new_archive('above/wal', $server);
	for my $command ([ 'walfetch', $top, segment_name(number => 1), 'pg_wal/x' ], [ 'walpush', $top, put_segment($server, number => 2) ],
		[ 'walclean', $top, segment_name(number => 2) ])
	{
		refuses("$command->[0] above an archive of ours", { code => 2, like => qr/is no archive, but wal below it is/, cwd => $server, keeps => [$top] },
			@$command);
	}
	scratch('above/wal/lost+found'), scratch('above/wal/archive/main/15-1/0000000100000000');
	succeeds('what lies in one of ours does not matter', 'walpush', "$top/wal", put_segment($server, number => 2));
}

# ---- theirs, though it is flat

for my $path ('wal_005/' . segment_name(number => 1) . '.zst', pgbackrest_name(segment_name(number => 1), segment(number => 1), 'zst'))
{
	my $top = scratch('theirs' . ++$number);
	make_archive({ files => sub { return { $path => compressed('zst', segment(number => 1)) } } }, $top);
	my ($location) = "$top/$path" =~ m{(.*)/};
	succeeds("$path: read", { cwd => $server }, 'walfetch', $location, segment_name(number => 1), 'pg_wal/x');
	refuses('... and never written to', { code => 4, like => qr/only read here/, cwd => $server, keeps => [$top] }, @$_)
		for [ 'walpush', $location, put_segment($server, number => 1) ], [ 'walclean', $location, segment_name(number => 2) ];
}

# ---- a digest in the name

{
	my $archive = scratch('sha1');
	my $log = scratch('sha1/archive/main/15-1/0000000100000000');
	my $name = segment_name(number => 4095);
	my $content = segment(number => 4095, end => 'stale');
	substr(my $flipped = $content, -1000, 1) = "\1";
	spew("$log/$name-" . sha1_hex($content) . '.gz', compressed('gz', $flipped));
	my $destination = scratch() . '/fetched';
	refuses('a bit behind the last record, where no CRC is: found by the digest', { code => 5, like => qr/SHA-1/ }, 'walfetch', $archive, $name, $destination);
	ok(!-e $destination, '... and not delivered');
	spew("$log/$name-" . sha1_hex($flipped) . '.gz', compressed('gz', $flipped));
	refuses('the same segment twice, with other content', { code => 4, like => qr/twice, with other content/ }, 'walfetch', $archive, $name, $destination);
	unlink "$log/$name-" . sha1_hex($content) . '.gz';
	succeeds('... until one is moved away', 'walfetch', $archive, $name, $destination);
	spew("$log/$name-" . sha1_hex($flipped) . '.lz4', compressed('lz4', $flipped));
	succeeds('the same content twice is no matter', 'walfetch', $archive, $name, $destination);
}

# ---- what can't be read is refused, and never absent

my ($first, $last) = map { segment_name(number => $_) } 4095, 4096;
for my $case (
	# what, path of the last segment, its bytes, message, exit code
	[ 'brotli',                     "wal_005/$last.br",       'x' x 1000,                                 qr/compressed with brotli/, 4 ],
	[ 'snappy',                     "main/$last.snappy",      'x' x 1000,                                 qr/compressed with snappy/, 4 ],
	[ 'snappy under a bare name',   "xlog/$last",             "\377\6\0\0sNaPpY" . 'x' x 1000,            qr/compressed with snappy/, 4 ],
	[ 'AES',                        "wal/$last.zstd.aes",     'x' x 1000,                                 qr/encrypted \(AES\)/,      4 ],
	[ 'encrypted pgBackRest',       "archive/main/15-1/" . pgbackrest_name($last, $wal{$last}, 'gz'), 'Salted__12345678' . 'x' x 1000, qr/encrypted/, 4 ],
	[ 'encrypted without a trace',  "wal_005/$last.lz4",      'x' x 1000,                                 qr/holds no lz4 data: damaged, or encrypted/, 5 ],
  )
{
	my ($what, $path, $bytes, $like, $code) = @$case;
	my $first_path = $path =~ s/\Q$last\E.*/$first.gz/r;
	$first_path = 'archive/main/15-1/' . pgbackrest_name($first, $wal{$first}, 'gz') if $path =~ /^archive/;
	for my $all (0, 1)
	{
		my $top = scratch('unreadable' . ++$number);
		make_archive({ files => sub { return { $path => $bytes, $all ? () : ($first_path => compressed('gz', $wal{$first})) } } }, $top);
		my $location = $path =~ m{^(main|xlog)/} ? "$top/$1" : $top;
		refuses("$what" . ($all ? ', nothing else' : ', the end of the archive'), { code => $code, like => $like, cwd => $server },
			'walfetch', $location, $last, 'pg_wal/RECOVERYXLOG');
		my $next = run({ cwd => $server }, 'walfetch', $location, segment_name(number => 4097), 'pg_wal/RECOVERYXLOG');
		is($next->{code}, $all ? $code : 1, $all ? '... whose it is, is not known' : '... the next is absent') or diag($next->{err});
		my $before = run({ cwd => $server }, 'walfetch', $location, segment_name(number => 4094), 'pg_wal/RECOVERYXLOG');
		is($before->{code}, $all ? $code : 3, '... one before it is not') or diag($before->{err});
	}
}

# ---- a partial segment that ends early

for my $length (100_000, 8192, 65_536 + 40)
{
	my $name = segment_name(number => 7) . '.partial';
	my $content = segment(number => 7, end => 'zero', fill => 50_000);
	my $short = substr $content, 0, $length;
	my $whole = $short . "\0" x (MB - $length);
	my $archive = scratch("partial$length");
	spew("$archive/" . segment_name(number => 7) . '.gz.partial', compressed('gz', $short));
	my $run = run('walfetch', $archive, $name, '-');
	is($run->{code}, 0, "a partial segment of $length bytes") or diag($run->{err});
	ok($run->{out} eq $whole, '... is as long as a segment, with zeros behind');
}

done_testing;
