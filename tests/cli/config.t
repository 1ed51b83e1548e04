# Settings: three places, which of them wins, and what is said about a file that is wrong.

use FindBin;
use lib "$FindBin::Bin/../lib";
use CliTest;

my $server = data_directory('server');
my $number = 0;
my %suffix = (none => '', gzip => '.gz', lz4 => '.lz4', zstd => '.zst');

sub configuration { return spew(scratch('conf') . '/waltools' . ++$number . '.conf', join '', map { "$_\n" } @_) }

# The coding that a push with this configuration uses.
sub coding_of
{
	my ($option, @command) = @_;
	my $archive = scratch('archive' . ++$number);
	my $file = put_segment($server, number => 1, end => 'switch');
	my @arguments = map { $_ eq 'ARCHIVE' ? $archive : $_ } @command;
	my $run = run($option, 'walpush', @arguments, $file);
	return "exit code $run->{code}: $run->{err}" if $run->{code} != 0 || $run->{err} ne '';
	my $name = segment_name(number => 1);
	my ($coding) = grep { -e "$archive/$name$suffix{$_}" } keys %suffix;
	return $coding // 'nothing is there';
}

# ---- the places and their order

{
	my $file = configuration('compress = lz4');
	my $other = configuration('compress = gzip:1');
	my $home = scratch('home2');
	spew(scratch('home2/.config') . '/waltools.conf', "compress = lz4\n");
	is(coding_of({}, 'ARCHIVE'), 'zstd', 'the default');
	is(coding_of({}, "--config=$file", 'ARCHIVE'), 'lz4', 'a file by --config');
	is(coding_of({}, '--config', $file, 'ARCHIVE'), 'lz4', '... in two words');
	is(coding_of({ env => { WALTOOLS_CONFIG => $file } }, 'ARCHIVE'), 'lz4', '... by WALTOOLS_CONFIG');
	is(coding_of({ env => { HOME => $home } }, 'ARCHIVE'), 'lz4', '... in ~/.config');
	is(coding_of({ env => { HOME => $home, WALTOOLS_CONFIG => $other } }, 'ARCHIVE'), 'gzip', 'WALTOOLS_CONFIG before ~/.config');
	is(coding_of({ env => { WALTOOLS_CONFIG => $other } }, "--config=$file", 'ARCHIVE'), 'lz4', '--config before WALTOOLS_CONFIG');
	is(coding_of({ env => { WALTOOLS_COMPRESS => 'none' } }, "--config=$file", 'ARCHIVE'), 'none', 'the environment wins over the file');
	is(coding_of({ env => { WALTOOLS_COMPRESS => 'none' } }, "--config=$file", '--compress=gzip', 'ARCHIVE'), 'gzip', 'the command line wins over both');
	is(coding_of({}, '--compress=gzip', '--compress=lz4', 'ARCHIVE'), 'lz4', 'the last option counts');
	is(coding_of({ env => { HOME => undef } }, 'ARCHIVE'), 'zstd', 'without HOME');
	is(coding_of({ env => { HOME => '' } }, 'ARCHIVE'), 'zstd', '... or with an empty one');
}

# ---- values that can't be

{
	my $archive = scratch('values');
	my $file    = put_segment($server, number => 1);
	refuses('a control character in a text', { code => 2, like => qr/s3-tags: the value holds a control character/, keeps => [$archive] },
		'walpush', "--s3-tags=a=b\r\nx: y", $archive, $file);
	refuses("an empty text: $_", { code => 2, like => qr/\Q$_\E: the value is empty/, keeps => [$archive] }, 'walpush', "--$_=", $archive, $file)
	  for qw(compress cache s3-profile);
	my $half = configuration('s3-access-key = ', 's3-secret-key = ');
	chmod 0600, $half;
	refuses('empty keys', { code => 2, like => qr/s3-access-key: the value is empty/, keeps => [$archive] }, 'walpush', "--config=$half", $archive, $file);
	my $run = run('walpush', '--s3-secret-key=topsecret', $archive, $file);
	is($run->{code}, 2, 'a secret is no option');
	unlike($run->{err}, qr/topsecret/, '... and is not repeated');
	succeeds('a large number of bytes', 'walpush', '--limit-rate=20000000000', $archive, $file);
	refuses('one that is too large', { code => 2 }, 'walpush', '--limit-rate=2000000000GiB', $archive, $file);
}

# ---- sections

{
	my $target = scratch('target');
	my $file = configuration('# the archives of this host', 'compress = gzip:1', '', "[main]", "archive = $target", 'compress=lz4', 'timeout = 5min',
		'', '; another', '[plain]', "archive = file://$target", '[main.2]', 'compress = none', "archive=$target");
	my $segment = sub { put_segment($server, number => $_[0]) };
	my @with = { env => { WALTOOLS_CONFIG => $file } };
	my $nth = sub { segment_name(number => $_[0]) };
	succeeds('walpush to a section', @with, 'walpush', 'main', $segment->(1));
	succeeds('... to another', @with, 'walpush', 'plain', $segment->(2));
	succeeds('... to a third', @with, 'walpush', 'main.2', $segment->(3));
	succeeds('... and to a path, which has the settings before any section', @with, 'walpush', $target, $segment->(4));
	is(stored($target), join(' ', $nth->(1) . '.lz4', $nth->(2) . '.gz', $nth->(3), $nth->(4) . '.gz'), 'each section has its coding');
	succeeds('an option wins over the section', @with, 'walpush', '--compress=zstd', 'main', $segment->(5));
	succeeds('walfetch from a section', @with, 'walfetch', 'plain', $nth->(1), scratch() . '/out');
	ok(slurp(scratch() . '/out') eq segment(number => 1), '... what another section has pushed');
	succeeds('walclean in a section', @with, 'walclean', 'main', $nth->(5));
	is(stored($target), $nth->(5) . '.zst', '... what is older has gone');
	my $run = run({ %{ $with[0] } }, 'walclean', '-n', 'main', $nth->(6));
	is($run->{out}, "$target/" . $nth->(5) . ".zst\n", '... and -n tells the path');
	for my $name ('nosuch', 'MAIN', 'main.', 'mai', 'main ', '[main]')
	{
		refuses("no section '$name'", { %{ $with[0] }, code => 2, like => qr/\Q$file\E/ }, 'walpush', $name, $segment->(6));
	}
	refuses('no section without a file', { code => 2 }, 'walpush', 'main', $segment->(6));
	my $bare = configuration('[main]', 'compress = lz4');
	refuses('a section without an archive', { code => 2, env => { WALTOOLS_CONFIG => $bare }, like => qr/\Q$bare\E.*main.*archive/ },
		'walpush', 'main', $segment->(6));
	is(coding_of({ env => { WALTOOLS_CONFIG => $bare } }, 'ARCHIVE'), 'zstd', "a section's settings are its own");
	my $empty = configuration('[main]', '[other]', "archive = $target");
	refuses('an empty section', { code => 2, env => { WALTOOLS_CONFIG => $empty } }, 'walpush', 'main', $segment->(6));
	my $circle = configuration('[main]', 'archive = other', '[other]', "archive = main");
	refuses('a section that names a section', { code => 2, env => { WALTOOLS_CONFIG => $circle } }, 'walpush', 'main', $segment->(6));
}

# ---- what a file may look like

my %fine = (
	'empty'                         => [ [], 'zstd' ],
	'only comments'                 => [ [ '# a', '; b', '', '#compress = lz4' ], 'zstd' ],
	'spaces around'                 => [ ['compress   =   lz4   '], 'lz4' ],
	'no spaces'                     => [ ['compress=lz4'], 'lz4' ],
	'tabs'                          => [ ["compress\t=\tlz4\t"], 'lz4' ],
	'carriage returns'              => [ [ "compress = lz4\r", "\r" ], 'lz4' ],
	'given twice'                   => [ [ 'compress = gzip', 'compress = lz4' ], 'lz4' ],
	'settings of other programs'    => [ [ 'on-error = abort', 'timeout = 90', 'compress = lz4' ], 'lz4' ],
	'a comment behind the value'    => [ ['compress = lz4 ; fast'], 'lz4' ],
	'sections of others'            => [ [ 'compress = lz4', '[x]', 'archive = /nowhere', 'compress = none' ], 'lz4' ],
);
for my $title (sort keys %fine)
{
	my ($lines, $coding) = @{ $fine{$title} };
	is(coding_of({}, '--config=' . configuration(@$lines), 'ARCHIVE'), $coding, "a file: $title");
}
is(coding_of({}, '--config=' . spew(scratch() . '/unended.conf', 'compress = lz4'), 'ARCHIVE'), 'lz4', 'a file whose last line has no end');

# ---- what is wrong with a file, and in which line

my @wrong = (
	[ 'an unknown setting',             2, '# x', 'compres = lz4' ],
	[ '... in a section not asked for', 4, '[a]', 'archive = /x', '[b]', 'archives = /x' ],
	[ 'a setting of the command line',  1, 'init = yes' ],
	[ '... another',                    1, 'config = /x' ],
	[ '... another',                    1, 'dry-run = 1' ],
	[ 'archive outside a section',      1, 'archive = /x' ],
	[ 'a name in upper case',           1, 'Compress = lz4' ],
	[ 'a name with _',                  1, 'on_error = auto' ],
	[ 'a wrong time',                   3, '', '', 'timeout = soon' ],
	[ 'no time',                        1, 'timeout =' ],
	[ 'a wrong choice',                 1, 'on-error = never' ],
	[ 'a line that is nothing',         2, 'compress = lz4', 'nonsense' ],
	[ 'a section without an end',       2, 'compress = lz4', '[main' ],
	[ 'an indented line',               2, 'compress = lz4', '  timeout = 5s' ],
	[ 'a line that is too long',        2, 'compress = lz4', '# ' . 'x' x 500 ],
	[ '... and is a setting',           1, 'compress = lz4' . ' ' x 500 ],
	[ 'the first of two mistakes',      1, 'a = b', 'c = d' ],
	[ 'a quoted value',                 1, 'compress = "lz4"' ],
	[ 'a secret',                       0, 's3-secret-kee = x' ],
);
for my $case (@wrong)
{
	my ($title, $line, @lines) = @$case;
	my $file = configuration(@lines);
	chmod 0600, $file;
	my $archive = scratch('wrong');
	my $where = $line ? qr/\Q$file\E line $line: / : qr/\Q$file\E line \d+: /;
	for my $program (qw(walpush walfetch walclean))
	{
		my @arguments = $program eq 'walpush' ? put_segment($server, number => 1) : (segment_name(number => 1), scratch() . '/never');
		pop @arguments if $program eq 'walclean';
		refuses("$program, $title", { code => 2, keeps => [$archive], like => $where }, $program, "--config=$file", $archive, @arguments);
	}
}
{
	my $archive = scratch('wrong');
	my $file = put_segment($server, number => 1);
	my $coding = configuration('compress = bzip2');
	refuses('a wrong coding', { code => 2, keeps => [$archive], like => qr/compress/ }, 'walpush', "--config=$coding", $archive, $file);
	for my $mode (0644, 0640, 0604, 0620, 0602)
	{
		for my $name ('s3-secret-key', 'password', 'rsync_PASSWORD', 'session-token', 'passphrase')
		{
			my $secret = configuration("$name = hunter2");
			chmod $mode, $secret;
			my $run = refuses(sprintf('%s in a file of mode %04o', $name, $mode), { code => 2, keeps => [$archive], like => qr/chmod 600 \Q$secret\E/ },
				'walpush', "--config=$secret", $archive, $file);
			unlike($run->{err}, qr/hunter2/, '... and it is not shown');
		}
	}
	my $secret = configuration('password = hunter2');
	chmod 0600, $secret;
	unlike(run('walpush', "--config=$secret", $archive, $file)->{err}, qr/hunter2|chmod/, 'in a file of its owner alone it is an unknown setting');

	refuses('a file that is named and is not there', { code => 2, like => qr/does not exist/ }, 'walpush', '--config=/nonexistent.conf', $archive, $file);
	refuses('... by the environment', { code => 2, env => { WALTOOLS_CONFIG => '/nonexistent.conf' } }, 'walpush', $archive, $file);
	refuses('a directory',  { code => 2 }, 'walpush', '--config=' . scratch('conf'), $archive, $file);
	my $fifo = scratch() . '/fifo';
	POSIX::mkfifo($fifo, 0600);
	my $run = run({ timeout => 20 }, 'walpush', "--config=$fifo", $archive, $file);
	ok(!$run->{timed_out} && $run->{code} == 2, 'a fifo is refused and not waited for') or diag("$run->{code} $run->{err}");
	refuses('/dev/zero', { code => 2, timeout => 20 }, 'walpush', '--config=/dev/zero', $archive, $file);
	my $huge = spew(scratch() . '/huge.conf', "# x\n" x 200_000, "nonsense\n");
	refuses('a long file', { code => 2, like => qr/line 200001/ }, 'walpush', "--config=$huge", $archive, $file);
	my $binary = spew(scratch() . '/binary.conf', map { chr int rand 256 } 1 .. 4096);
	$run = run('walpush', "--config=$binary", $archive, $file);
	is(join("\n", one_error($run, 'walpush', 2)), '', 'a binary file') or diag($run->{err});
  SKIP:
	{
		my $nobody = unprivileged() // skip 'no user to be instead of root', 1;
		my $locked = configuration('compress = lz4');
		chmod 0000, $locked;
		my $run = run($nobody, 'walpush', "--config=$locked", $archive, $file);
		cmp_ok($run->{code}, '!=', 0, 'a file that may not be read is not passed over');
		like($run->{err}, qr/\Awalpush: error: [^\n]*\Q$locked\E[^\n]*\n\z/, '... but told');
	}
}

# ---- values

for my $good ('1', '500ms', '90s', '2min', '1h', '1000h')
{
	like(coding_of({}, "--timeout=$good", '--compress=none', 'ARCHIVE'), qr/^none$/, "a timeout of $good");
}

done_testing;
