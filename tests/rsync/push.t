# An archive that rsync reaches: what goes in lies there once, under its name, as it was.

use FindBin;
use lib "$FindBin::Bin/../lib";
use File::Basename qw(basename);
use RsyncTest;

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

sub permissions { return sprintf '%04o', (stat $_[0])[2] & 07777 }

for my $kind (kinds())
{
	my $archive = archive($kind, 'kinds');
	for my $name (sort keys %kinds)
	{
		my $file = put($server, $name, $kinds{$name});
		succeeds("$kind, pushed: $name", { cwd => $server, umask => 0077 }, 'walpush', at($archive), "pg_wal/$name");
		my $object = run({ stdin => slurp("$archive->{directory}/$name.zst") }, 'zstd', '-dcq');
		ok($object->{out} eq $kinds{$name}, '... and zstd gives it back');
	}
	my $all = join ' ', sort map { "$_.zst" } keys %kinds;
	is(objects($archive), $all, "$kind: they lie under their names, nothing else does");
	is(temporary($archive) . claims($archive) . spools(), '', '... and nothing is left over, neither there nor here');
	is(permissions("$archive->{directory}/$_"), '0600', "... nobody else may read $_, as the umask says")
	  for '.waltools/archive', segment_name(number => 2) . '.zst';
	like(slurp("$archive->{directory}/.waltools/archive"), qr/^system-identifier=${\SYSID}$/m, '... and the identity tells whose it is');

	my $before = listing($archive->{directory});
	for my $name (sort keys %kinds)
	{
		my $coding = $name =~ /partial/ ? 'lz4' : $name =~ /history/ ? 'none' : 'zstd';
		my $run = run('walpush', '-v', "--compress=$coding", at($archive), pg_wal($server) . "/$name");
		is($run->{code}, 0, "$kind, again: $name, for $coding") or diag($run->{err});
		like($run->{err}, qr/^walpush: .*already archived\n/m, '... which -v tells');
		my $file = put($server, $name, $changed{$name});
		my ($here, $there) = map { substr Digest::SHA::sha256_hex($_), 0, 16 } $changed{$name}, $kinds{$name};
		refuses("$kind, refused: other content for $name, for $coding", { code => 4, like => qr/there .*$there.*here .*$here/ },
			'walpush', "--compress=$coding", at($archive), $file);
	}
	is(listing($archive->{directory}), $before, '... and nothing has changed');
	is(spools(), '', '... and nothing is left here');

	my $damaged = segment(number => 9);
	substr($damaged, 40 * 8192, 2) = "\0\0";
	refuses("$kind: what turns out damaged while it is read", { code => 5 }, 'walpush', at($archive), put($server, segment_name(number => 9), $damaged));
	is(listing($archive->{directory}), $before, '... changes nothing');
	is(temporary($archive) . claims($archive) . spools(), '', '... and leaves nothing');
	unlink glob pg_wal($server) . '/0*';
}

# ---- several at once

for my $kind (kinds())
{
	my $archive = archive($kind, 'several');
	my @files = map { put_segment($server, number => $_) } 10 .. 14;
	succeeds("$kind: five files", { umask => 0022 }, 'walpush', at($archive), @files);
	is(objects($archive), join(' ', map { basename($_) . '.zst' } @files), '... are there');
	is(permissions("$archive->{directory}/" . basename($files[0]) . '.zst'), '0640', '... to be read by the group');
	my $twice = put_segment($server, number => 16);
	my $twin  = put($other, basename($twice), segment(number => 16, seed => 3));
	refuses("$kind: one name twice, with other content", { code => 4, like => qr/other content/ }, 'walpush', at($archive), $twice, $twin);
	succeeds("$kind: one name twice", 'walpush', at($archive), $twice, $twice);
	is(run('walfetch', at($archive), basename($twice), '-')->{out} eq slurp($twice), 1, '... it is the first');
	my $before = listing($archive->{directory});
	put_segment($server, number => 12, seed => 2);
	my @more = (@files[ 1 .. 3 ], put_segment($server, number => 15));
	refuses("$kind: the second of four is another", { code => 4, like => qr/000C/ }, 'walpush', at($archive), @more);
	is(listing($archive->{directory}) =~ s/^\/[0-9A-F]{23}F.*\n//mr, $before, '... and what was there is as it was');
}

# ---- one archive, one cluster

my %theirs = (
	segment_name(number => 9)              => segment(number => 9, sysid => SYSID + 1),
	segment_name(number => 9) . '.partial' => segment(number => 9, sysid => SYSID + 1),
	'00000007.history'                     => history_text(),
	backup_name(number => 9)               => backup_text(number => 9),
);
for my $kind (kinds())
{
	my $archive = archive($kind, 'cluster');
	my ($ours, $theirs) = (SYSID, SYSID + 1);
	my %keeps = (code => 4, like => qr/$ours.*$theirs/, keeps => [ $archive->{directory} ]);
	succeeds("$kind: the first cluster", 'walpush', at($archive), my $file = next_segment($server));
	for my $name (sort keys %theirs)
	{
		put($other, $name, $theirs{$name});
		refuses("$kind: another cluster's $name (@$_)", {%keeps}, 'walpush', @$_, at($archive), pg_wal($other) . "/$name")
		  for [], $name =~ /partial/ ? [qw(--init --cache=none)] : ();
	}
	refuses('nor does it fetch', { %keeps, cwd => $other }, 'walfetch', at($archive), basename($file), 'pg_wal/RECOVERYXLOG');
	refuses('nor clean', { %keeps, cwd => $other }, 'walclean', at($archive), segment_name(number => 9999));
}

# ---- an empty archive, and none

for my $kind (kinds())
{
	my $archive = archive($kind, 'empty');
	my $old = data_directory('old');
	spew("$old/pg_wal/archive_status/" . segment_name(number => 1) . '.done', '');
	my $file = next_segment($old);
	refuses("$kind: an empty archive below a server that has archived",
		{ code => 4, cwd => $old, like => qr/walpush --init/, keeps => [ $archive->{directory} ] }, 'walpush', at($archive), $file);
	succeeds('... until it is said to be new', { cwd => $old }, 'walpush', '--init', at($archive));
	succeeds('... and then takes the file', 'walpush', at($archive), $file);

	my $missing = archive($kind, 'nowhere', missing => 1);
	for my $command ([ 'walpush', undef, $file ], [ 'walpush', '--init', $file ], [ 'walfetch', undef, basename($file), '-' ],
		[ 'walclean', undef, basename($file) ])
	{
		my ($program, $option, @operands) = @$command;
		refuses("$kind: no such directory, $program " . ($option // ''), { code => 3, like => qr/nowhere/ }, $program, $option // (),
			at($missing), @operands);
		ok(!-e $missing->{directory}, '... and none is made');
	}
	is(spools(), '', '... nothing is left here');
}
{
	my $file = next_segment($server);
	refuses('no such module', { code => 3, like => qr/module.*is the name of the module right/i }, 'walpush',
		'rsync://wal@127.0.0.1:' . rsync_daemon()->port . '/nowhere/main', $file);
	refuses('a module to be read only', { code => 6, like => qr/read only = false/, keeps => [ rsync_daemon()->path('wal') ] }, 'walpush',
		rsync_daemon()->location('ro', 'cluster'), $file);
}

# ---- what can't be an archive

{
	my $file = next_segment($server);
	for my $location (
		'-oProxyCommand=touch@host:/path', 'wal@-oProxyCommand=touch:/path', '-host:/path', 'wal@host:path', 'wal@host:', 'host::module',
		'wal@host:/a/../b', "wal\@host:/a\nb", 'wal;x@host:/path', 'wal@ho st:/path', 'wal@@host:/path', 'rsync://', 'rsync://host',
		'rsync://host/', 'rsync://-host/module', 'rsync://a b/module', 'rsync://wal@host/module/../x',
	  )
	{
		my $run = run('walpush', '--timeout=1s', $location, $file);
		is(join("\n", one_error($run, 'walpush', 2)), '', 'refused: ' . $location =~ s/\n/\\n/r) or diag($run->{err});
	}
	my $run = refuses('a password in the name', { code => 2, like => qr/rsync-password-file/ }, 'walpush', 'rsync://wal:hunter2@host/module',
		$file);
	unlike($run->{err}, qr/hunter2/, '... is not repeated');
}

done_testing;
