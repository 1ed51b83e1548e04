# Bad input: one clear line, the right exit code, and neither the archive nor the destination changes.

use FindBin;
use lib "$FindBin::Bin/../lib";
use CliTest;

my $server  = data_directory('server');
my $archive = new_archive('archive', $server);
my $wal     = pg_wal($server);
my $good    = segment_name(number => 2);
my $bytes   = segment(number => 2);
put($server, $good, $bytes);
my $untouched = [ $archive, $server ];

# ---- files that are no WAL

{
	my @names = ('x', 'lower', '000000010000000000000ABCDEF', '00000001000000000000000', '0000000100000000000000020',
		'000000010000000000000002.zst', '00000001.history.zst', '0000001.history', '000000001.history', '00000002.HISTORY',
		'000000010000000000000002.PARTIAL', '000000010000000000000002.partial.gz', '000000010000000000000002.backup',
		'000000010000000000000002.0000028.backup', '000000010000000000000002.00000028.backup.old', '00000001000000000000000g',
		'00000001000000000000000a', ' 000000010000000000000002', '000000010000000000000002 ', "000000010000000000000002\n",
		'0x0000010000000000000002', '+00000010000000000000002', '.', '..', '-', '*', 'RECOVERYXLOG', '.waltools', "\xff\xfe");
	for my $name (@names)
	{
		my $shown = $name =~ s/[^ -~]/?/gr;
		put($server, $name, $bytes) unless $name =~ /^\.\.?$/;
		refuses("walpush: a file named '$shown'", { code => 4, keeps => $untouched, like => qr/name of a WAL file|not a regular/ },
			'walpush', $archive, "$wal/$name");
		refuses("walfetch: the name '$shown'", { code => 2, keeps => $untouched, cwd => $server },
			'walfetch', $archive, '--', $name, 'pg_wal/RECOVERYXLOG');
		# as pg_archivecleanup, walclean takes whatever lies between the digits and .backup, if sscanf reads a number there
		refuses("walclean: the name '$shown'", { code => 2, keeps => $untouched }, 'walclean', $archive, '--', $name)
		  if $name !~ /\.backup$/;
		unlink "$wal/$name";
	}
	for my $name ('../x', "../$good", "./$good", "a/$good", "/$good", "../../server/pg_wal/$good", '', "$good/", "$good/..")
	{
		refuses("walfetch: the name '$name'", { code => 2, keeps => $untouched, cwd => $server },
			'walfetch', $archive, $name, 'pg_wal/RECOVERYXLOG');
		refuses("walclean: the name '$name'", { code => 2, keeps => $untouched }, 'walclean', $archive, $name);
	}
	refuses('walclean: a history file', { code => 2, keeps => $untouched }, 'walclean', $archive, '00000002.history');
	refuses('walpush: no name at all', { code => 4, keeps => $untouched }, 'walpush', $archive, '');
	refuses('walpush: a path that ends in a slash', { code => 4, keeps => $untouched }, 'walpush', $archive, "$wal/$good/");
	refuses('walpush: a long path', { code => 4, keeps => $untouched }, 'walpush', $archive, 'x/' x 5000 . 'y');
}

sub pushed_as
{
	my ($title, $code, $content, %option) = @_;
	my $name = $option{name} // $good;
	unlink "$wal/$name";
	ref $content ? $content->("$wal/$name") : put($server, $name, $content);
	refuses("walpush: $title", { code => $code, keeps => $untouched, %{ $option{run} // {} } }, 'walpush', $archive, "$wal/$name");
	-d "$wal/$name" && !-l "$wal/$name" ? rmdir "$wal/$name" : unlink "$wal/$name";
	return;
}

sub changed
{
	my ($offset, $template, $value) = @_;
	my $changed = $bytes;
	my $new = pack $template, $value;
	substr($changed, $offset, length $new) = $new;
	return $changed;
}

sub bit_flipped
{
	my ($offset, $bit) = @_;
	my $changed = $bytes;
	vec($changed, 8 * $offset + $bit, 1) ^= 1;
	return $changed;
}

pushed_as('a directory', 4, sub { mkdir $_[0] });
pushed_as('a fifo',      4, sub { POSIX::mkfifo($_[0], 0600) });
pushed_as('a missing file', 6, sub { });
pushed_as('a dangling link', 6, sub { symlink '/nonexistent/x', $_[0] });
pushed_as('a link to a device', 4, sub { symlink '/dev/zero', $_[0] });
pushed_as('an empty file', 5, '');
pushed_as("of $_ bytes", 5, substr $bytes, 0, $_) for 1, 2, 23, 24, 39, 40, 8192, 8191, 512 * 1024, MB - 1, MB - 8192;
pushed_as('longer than a segment', 5, $bytes . "\0");
pushed_as('two segments in one file', 5, $bytes . $bytes);
pushed_as('all zeros', 5, "\0" x MB);
pushed_as('text', 5, 'text ' x 209_715.2 . 'x');
pushed_as("another segment's content", 4, segment(number => 3));
pushed_as("another log file's content", 4, segment(number => 2 + 4096));
pushed_as("content of a later timeline", 4, segment(number => 2, timeline => 2));
pushed_as("another cluster's segment", 4, segment(number => 2, sysid => SYSID + 1));
pushed_as("another cluster's segment, one bit away", 4, segment(number => 2, sysid => SYSID ^ 1));
pushed_as("timeline 0", 5, segment(number => 2, page_timeline => 0));
pushed_as('a segment size that is no power of two', 5, changed(32, 'V', 3 * MB));
pushed_as('a segment size of 0',                    5, changed(32, 'V', 0));
pushed_as('a segment size that the file does not have', 5, changed(32, 'V', 2 * MB));
pushed_as('a segment size above 1 GB',              5, changed(32, 'V', 1 << 31));
pushed_as('a page size of 0',                       5, changed(36, 'V', 0));
pushed_as('a page size of 1',                       5, changed(36, 'V', 1));
pushed_as('a page size above the segment',          5, changed(36, 'V', 1 << 31));
pushed_as('the first page without its long header', 5, changed(2, 'v', 4));
pushed_as('a segment number that the size does not allow', 4, segment(number => 2), name => '000000010000000000001000');

# a flipped bit in any field of a page header; in the reserved bytes of a header there is nothing to see
for my $page (0, 1, 64, 126)
{
	my @seen = (0 .. 15, $page ? () : (24 .. 39));
	my $what = $page ? "page $page" : 'the first page';
	my @wrong;
	for my $byte (@seen)
	{
		for my $bit ($byte == 2 ? (1, 4 .. 7) : 0 .. 7)
		{
			my $run = run('walpush', $archive, put($server, $good, bit_flipped($page * 8192 + $byte, $bit)));
			push @wrong, "byte $byte, bit $bit: exit code $run->{code}: $run->{err}"
			  if $run->{code} !~ /^[45]$/ || $run->{err} !~ /\Awalpush: error: [^\n]+\n\z/;
			unlink "$archive/$good.zst";
		}
	}
	is(join("\n", @wrong), '', "walpush: a bit flipped in the header of $what");
}
put($server, $good, $bytes);

my %bad_backup = (
	'empty'                   => [ 5, '' ],
	'text'                    => [ 5, "This is no backup\n" ],
	'cut off'                 => [ 5, substr backup_text(number => 2), 0, 200 ],
	'without an end'          => [ 5, backup_text(number => 2) =~ s/^STOP T.*\n//mgr ],
	'of another backup'       => [ 4, backup_text(number => 3) ],
	'binary'                  => [ 5, backup_text(number => 2) =~ s/primary/pri\0mary/r ],
	'larger than any'         => [ 5, backup_text(number => 2) . "# \n" x 700_000 ],
);
pushed_as("a .backup that is $_", @{ $bad_backup{$_} }, name => backup_name(number => 2)) for sort keys %bad_backup;
pushed_as('a .history of a megabyte', 5, "1\t0/1500060\tx\n" . "# \n" x 700_000, name => '00000002.history');

# ---- archives that are none

{
	my $file = spew(scratch() . '/file', 'x');
	my $long = '/' . 'x' x 300;
	my @cases = (
		[ 'a file',                     $file,                2 ],
		[ 'below a file',               "$file/archive",      2 ],
		[ 'missing',                    "$archive/missing",   3 ],
		[ 'a dangling link',            scratch() . '/gone',  3 ],
		[ 'a loop of links',            scratch() . '/loop',  4 ],
		[ 'empty',                      '',                   2 ],
		[ 'relative',                   './archive',          3 ],
		[ 'a URL of an unknown kind',   'ftp://host/archive', 2 ],
		[ 'a file URL with a host',     'file://host/x',      2 ],
		[ 'a section that is not there', 'nosuch',            2 ],
		[ 'a name that is too long',    $long,                6 ],
		[ 'a device',                   '/dev/null',          2 ],
	);
	symlink '/nonexistent/archive', scratch() . '/gone';
	symlink 'loop', scratch() . '/loop';
	for my $case (@cases)
	{
		my ($title, $where, $code) = @$case;
		my %option = (code => $code, keeps => $untouched);
		refuses("walpush: an archive that is $title",  {%option}, 'walpush', $where, "$wal/$good");
		refuses("walfetch: an archive that is $title", {%option}, 'walfetch', $where, $good, "$wal/RECOVERYXLOG");
		refuses("walclean: an archive that is $title", {%option}, 'walclean', $where, $good);
	}
}

# ---- what lies in an archive and is no object

{
	my $outside = scratch('outside');
	spew("$outside/secret", $bytes);
	my $strange = new_archive('strange', $server);
	for my $case (
		[ 'a link out of the archive', sub { symlink "$outside/secret", $_[0] } ],
		[ 'a dangling link',           sub { symlink "$outside/nothing", $_[0] } ],
		[ 'a link within the archive', sub { symlink segment_name(number => 1) . '.zst', $_[0] } ],
		[ 'a directory',               sub { mkdir $_[0] } ],
		[ 'a fifo',                    sub { POSIX::mkfifo($_[0], 0600) } ],
	  )
	{
		my ($title, $make) = @$case;
		for my $suffix ('', '.zst', '.gz')
		{
			$make->("$strange/$good$suffix");
			refuses("walfetch: $title as '$suffix'", { code => 4, keeps => [ $strange, $outside, $server ] },
				'walfetch', $strange, $good, "$wal/RECOVERYXLOG");
			refuses("walpush: $title as '$suffix'", { code => 4, keeps => [ $strange, $outside, $server ] },
				'walpush', $strange, "$wal/$good");
			rmdir "$strange/$good$suffix" or unlink "$strange/$good$suffix";
		}
	}

	my $elsewhere = scratch('elsewhere');
	for my $part ('.waltools', '.waltools/tmp', '.waltools/archive')
	{
		my $led = new_archive('led' . $part =~ s{\W}{_}gr, $server);
		system('mv', "$led/$part", "$elsewhere/moved") == 0 or die;
		symlink "$elsewhere/moved", "$led/$part" or die;
		refuses("walpush: $part is a link", { code => 4, keeps => [ $led, $elsewhere ] }, 'walpush', $led, "$wal/$good");
		my $run = run('walfetch', $led, segment_name(number => 9), "$wal/RECOVERYXLOG");
		cmp_ok($run->{code}, '!=', 1, '... nor does it prove absence') if $part ne '.waltools/tmp';
		system('rm', '-rf', "$elsewhere/moved");
	}
	for my $part ('.waltools', '.waltools/tmp', '.waltools/archive')
	{
		my $blocked = new_archive('blocked' . $part =~ s{\W}{_}gr, $server);
		system('rm', '-rf', "$blocked/$part");
		$part =~ m{/archive} ? mkdir "$blocked/$part" : spew("$blocked/$part", '');
		my $run = run('walpush', $blocked, "$wal/$good");
		isnt($run->{code}, 0, "walpush: $part is of the wrong kind");
		is(join("\n", one_error($run, 'walpush', $run->{code})), '', '... which is told in one line');
		is(stored($blocked), segment_name(number => 1) . '.zst', '... and nothing is stored');
	}
}

# ---- permissions

SKIP:
{
	my $nobody = unprivileged() // skip 'no user to be instead of root', 1;
	my $own = new_archive('own', $server);
	my $locked = new_archive('locked', $server);
	my $to = scratch('to');
	chmod 0644, glob "$locked/0*";
	chmod 0644, "$locked/.waltools/archive";
	chmod 0755, "$locked/.waltools", "$locked/.waltools/tmp", scratch();
	chmod 0777, $to;
	chmod 0555, $locked, "$locked/.waltools", "$locked/.waltools/tmp";
	refuses('walpush: a read-only archive', { %$nobody, code => 6, keeps => [$locked] }, 'walpush', $locked, "$wal/$good");
	succeeds('walfetch: a read-only archive is enough', $nobody, 'walfetch', $locked, segment_name(number => 1), "$to/out");
	ok(slurp("$to/out") eq segment(number => 1), '... it delivers');
	is(run($nobody, 'walfetch', $locked, segment_name(number => 9), "$to/out2")->{code}, 1, '... and proves absence');
	succeeds('walpush: what is there already is there', $nobody, 'walpush', $locked, "$wal/" . segment_name(number => 1));
	my $run = run($nobody, 'walclean', $locked, segment_name(number => 5));
	is($run->{code}, 6, 'walclean: a read-only archive');
	is(stored($locked), segment_name(number => 1) . '.zst', '... nothing is removed');
	chmod 0700, $own;
	refuses('walpush: an archive that may not be entered', { %$nobody, code => 6, keeps => [$own] }, 'walpush', $own, "$wal/$good")
	  if $> == 0;
	refuses('walfetch: an archive that may not be entered is not an empty one', { %$nobody, code => 6, keeps => [$own] },
		'walfetch', $own, segment_name(number => 9), "$to/out3")
	  if $> == 0;
	chmod 0000, "$locked/" . segment_name(number => 1) . '.zst';
	refuses('walfetch: an object that may not be read', { %$nobody, code => 6, keeps => [$to] },
		'walfetch', $locked, segment_name(number => 1), "$to/out4");
	chmod 0000, "$wal/$good";
	refuses('walpush: a file that may not be read', { %$nobody, code => 6, keeps => [$locked] }, 'walpush', $locked, "$wal/$good");
	chmod 0644, "$wal/$good";
	chmod 0555, $to;
	chmod 0644, "$locked/" . segment_name(number => 1) . '.zst';
	refuses('walfetch: a destination that may not be written', { %$nobody, code => 6, keeps => [$to] },
		'walfetch', $locked, segment_name(number => 1), "$to/out5");
	chmod 0755, $locked, "$locked/.waltools", "$locked/.waltools/tmp", $to;
}

# ---- full disks

{
	my $full = new_archive('full', $server);
	my $random = put_segment($server, number => 3, variety => 1400);
	for my $coding (qw(none zstd))
	{
		refuses("walpush: no more room for the object ($coding)", { code => 6, keeps => [$full], program => 'walpush' }, 'sh', '-c',
			'ulimit -f 300; exec walpush "$@"', 'sh', "--compress=$coding", $full, $random);
	}
	refuses('walfetch: no more room for the segment', { code => 6, keeps => [$server], program => 'walfetch' }, 'sh', '-c',
		'ulimit -f 300; exec walfetch "$@"', 'sh', $full, segment_name(number => 1), "$wal/RECOVERYXLOG");
	refuses('walfetch: no more room on standard output', { code => 6, keeps => [$server], program => 'walfetch' }, 'sh', '-c',
		'exec walfetch "$@" - > /dev/full', 'sh', $full, segment_name(number => 1));
  SKIP:
	{
		can_mount() or skip 'mounting is not allowed here, a file system can not be filled', 6;
		my $script = <<'SH';
mount -t tmpfs -o size="$1" tmpfs "$2"
[ -z "$3" ] || cp -a "$3/." "$2"
archive=$2
shift 3
"$@" || echo "exit code $?"
(cd "$archive" && find . -type f ! -name lock | LC_ALL=C sort)
SH
		my $mount = scratch('mount');
		my $run = mounted_run($script, '600k', $mount, '', 'walpush', '--compress=none', $mount, $random);
		is($run->{out}, "exit code 6\n./.waltools/archive\n", 'walpush: a full disk');
		like($run->{err}, qr/\Awalpush: error: [^\n]*No space left[^\n]*\n\z/, '... in one line');
		$run = mounted_run($script, '600k', $mount, '', 'walfetch', $full, segment_name(number => 1), "$mount/RECOVERYXLOG");
		is($run->{out}, "exit code 6\n", 'walfetch: a full disk');
		like($run->{err}, qr/\Awalfetch: error: [^\n]*No space left[^\n]*\n\z/, '... in one line');
		$run = mounted_run('mount -t tmpfs tmpfs "$1"; cp -a "$2/." "$1"; mount -o remount,bind,ro "$1"; walpush "$1" "$3" || echo "exit code $?"',
			$mount, $full, "$wal/$good");
		is($run->{out}, "exit code 6\n", 'walpush: a file system mounted read-only');
		$run = mounted_run('mount -t tmpfs tmpfs "$1"; cp -a "$2/." "$1"; mount -o remount,bind,ro "$1"; walpush "$1" "$3"; walfetch "$1" "$4" - | cmp - "$3"',
			$mount, $full, "$wal/" . segment_name(number => 1), segment_name(number => 1));
		is($run->{out} . $run->{err}, '', '... what is there already is there, and comes back');
	}
}

# ---- the command line

{
	my %call = (
		walpush  => [ $archive, "$wal/$good" ],
		walfetch => [ $archive, $good, "$wal/RECOVERYXLOG" ],
		walclean => [ $archive, $good ],
	);
	for my $program (sort keys %call)
	{
		my @arguments = @{ $call{$program} };
		for my $option ('--help', '-?')
		{
			my $run = succeeds("$program $option", $program, $option);
			like($run->{out}, qr/\AUsage: $program .*--timeout.*--version/s, '... tells the usage');
		}
		for my $option ('--version', '-V')
		{
			my $run = succeeds("$program $option", $program, $option);
			like($run->{out}, qr/\A$program \(waltools\) \d\S*\n\z/, '... tells the version');
		}
		for my $option ('--help', '--version')
		{
			refuses("$program $option onto a full disk", { code => 6, program => $program }, 'sh', '-c',
				"exec $program $option > /dev/full");
		}
		refuses("$program without arguments", { code => 2 }, $program);
		refuses("$program: an argument missing", { code => 2, keeps => $untouched }, $program, @arguments[ 0 .. $#arguments - 1 ]);
		refuses("$program: an argument too many", { code => 2, keeps => $untouched }, $program, @arguments, 'x')
		  if $program ne 'walpush';
		for my $bad ('--nonsense', '-Z', '--timeout', '--timeout=', '--timeout=0', '--timeout=-1', '--timeout=1x', '--timeout=1.5',
			'--timeout=99999999999999999999', '--timeout=1d', '--config', '--config=', '--help=x', '--verbose=1', '--v', '--', '-')
		{
			my @command = $bad =~ /^--(?:timeout|config)$/ ? (@arguments, $bad) : ($bad eq '-' ? ($bad, @arguments[ 1 .. $#arguments ]) : ($bad, @arguments));
			next if $bad eq '--';
			refuses("$program $bad", { code => 2, keeps => $untouched }, $program, @command);
		}
		refuses("$program: an empty option", { code => 2, keeps => $untouched }, $program, @arguments, '') if $program ne 'walpush';
		refuses("$program: a newline in an argument stays in one line", { code => 2 }, $program, "no\nsuch\narchive", @arguments[ 1 .. $#arguments ]);
		for my $variable (qw(WALTOOLS_NONSENSE WALTOOLS_ WALTOOLS_DEBUG WALTOOLS_VERBOSE WALTOOLS_compress WALTOOLS_ARCHIVE))
		{
			my %option = (code => 2, keeps => $untouched, env => { $variable => 'x' }, like => qr/\Q$variable\E/);
			refuses("$program: the variable $variable", {%option}, $program, @arguments) if $variable ne 'WALTOOLS_compress';
		}
		refuses("$program: WALTOOLS_TIMEOUT with a wrong value",
			{ code => 2, keeps => $untouched, env => { WALTOOLS_TIMEOUT => 'soon' }, like => qr/WALTOOLS_TIMEOUT/ },
			$program, @arguments);
	}
	refuses('walfetch --on-error=perhaps', { code => 2, keeps => $untouched, like => qr/auto.*table.*abort/ },
		'walfetch', '--on-error=perhaps', @{ $call{walfetch} });
	refuses('walclean has no --compress', { code => 2, keeps => $untouched }, 'walclean', '--compress=none', @{ $call{walclean} });
	refuses('walfetch has no --init', { code => 2, keeps => $untouched }, 'walfetch', '--init', @{ $call{walfetch} });
	refuses('walpush has no -x', { code => 2, keeps => $untouched }, 'walpush', '-x', '.gz', @{ $call{walpush} });
	succeeds('options may follow the arguments', 'walpush', $archive, "$wal/$good", '--compress=none', '--timeout', '5min');
	ok(-e "$archive/$good", '... and count');
	succeeds('-- ends the options', 'walclean', '--', $archive, $good);
}

done_testing;
