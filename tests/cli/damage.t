# Nothing wrong is handed over: every truncation and every flipped bit is refused, and the destination stays as it was.

use FindBin;
use lib "$FindBin::Bin/../lib";
use CliTest;

my $seed   = note_seed();
my $server = data_directory('server');
my $name   = segment_name(number => 3);
my $bytes  = segment(number => 3, variety => 1400);
my $file   = put($server, $name, $bytes);
my %suffix = (none => '', gzip => '.gz', lz4 => '.lz4', zstd => '.zst');
my $nothing = scratch('nothing');

sub object
{
	my ($coding, @files) = @_;
	my $archive = scratch("object_$coding");
	my $run = run('walpush', "--compress=$coding", $archive, @files);
	die $run->{err} if $run->{code} != 0;
	return $archive;
}

# Fetches from the archive once for every variant of the object, all of them from one shell, since a thousand programs
# are started here. Returns those that were not refused as damaged with one line, or that left something behind.
sub not_refused
{
	my ($object, $wanted, $variants) = @_;
	my $to = scratch('destinations');
	my $list = '';
	for my $number (0 .. $#$variants)
	{
		my $place = scratch("variants/$number");
		spew("$place/$object", $variants->[$number][1]);
		spew("$to/$number", "old $number");
		$list .= "$number\n";
	}
	my $run = run({ stdin => $list, cwd => $nothing, timeout => 120 }, 'sh', '-c', <<'SH', 'sh', scratch('variants'), $wanted, $to);
while read -r number; do
	error=$(walfetch "$1/$number" "$2" "$3/$number" 2>&1 >/dev/null </dev/null)
	echo "$number $? $error"
done
SH
	my @wrong;
	for my $line (lines($run->{out}))
	{
		my ($number, $code, $error) = $line =~ /^(\d+) (\d+) (.*)$/ or push @wrong, "a second line: $line" and next;
		my $what = $variants->[$number][0];
		push @wrong, "$what: exit code $code: $error" if $code != 5 || $error !~ /^walfetch: error: \S/;
		push @wrong, "$what: the destination has changed" if slurp("$to/$number") ne "old $number";
	}
	push @wrong, 'only ' . lines($run->{out}) . ' of ' . @$variants . ' runs' if lines($run->{out}) != @$variants;
	push @wrong, "left beside the destination: $_" for grep { !m{/\d+$} } glob "$to/{*,.[!.]*}";
	system('rm', '-rf', scratch('variants'), $to);
	return @wrong;
}

sub flipped
{
	my ($object, $bit) = @_;
	vec($object, $bit, 1) ^= 1;
	return $object;
}

# ---- truncated, flipped, lengthened

for my $coding (qw(zstd lz4 gzip))
{
	my $archive = object($coding, $file);
	my $object = "$name$suffix{$coding}";
	my $stored = slurp("$archive/$object");
	my $size = length $stored;
	cmp_ok($size, '>', 6 * 65536, "$coding: an object of $size bytes");

	my @cuts = (0, 1, 4, 8, 100, (map { $_ * 65536 } 1 .. int($size / 65536)), $size - 9, $size - 4, $size - 1);
	my @wrong = not_refused($object, $name, [ map { [ "cut to $_ bytes", substr $stored, 0, $_ ] } @cuts ]);
	is(join("\n", @wrong), '', '... truncated in ' . @cuts . ' places, at every 64 KiB');

	my @bits = map { int rand 8 * $size } 1 .. 200;
	@wrong = not_refused($object, $name, [ map { [ "bit $_ flipped", flipped($stored, $_) ] } @bits ]);
	is(join("\n", @wrong), '', '... a bit flipped in 200 places') or diag("TEST_SEED=$seed");

	my ($middle, $zeros) = (int $size / 2, "\0" x 4096);
	my @changed = (
		[ 'a byte behind it',            $stored . "\0" ],
		[ 'garbage behind it',           $stored . 'garbage ' x 100 ],
		[ 'itself behind it',            $stored . $stored ],
		[ 'a zero page in it',           substr($stored, 0, $middle) . $zeros . substr $stored, $middle + 4096 ],
		[ 'a hole in it',                substr($stored, 0, $middle) . substr $stored, $middle + 512 ],
		[ 'two pages exchanged',         substr($stored, 0, $middle) . substr($stored, $middle + 4096, 4096) .
			substr($stored, $middle, 4096) . substr $stored, $middle + 8192 ],
		[ 'nothing but zeros',           "\0" x $size ],
		[ 'a byte before it',            "\0" . $stored ],
	);
	@wrong = not_refused($object, $name, \@changed);
	is(join("\n", @wrong), '', '... with garbage, zeros and holes');
}

# ---- without a label, the coding's own checksum and the records are what there is

for my $case ([ 'zst', 'zstd -qc' ], [ 'lz4', 'lz4 -qc' ], [ 'gz', 'gzip -c' ], [ 'xz', 'xz -0 -c' ], [ 'bz2', 'bzip2 -c' ])
{
	my ($suffix, $program) = @$case;
	my $archive = scratch("unlabelled_$suffix");
	run('sh', '-c', "$program < \"\$1\" > \"\$2\"", 'sh', $file, "$archive/$name.$suffix");
	my $stored = slurp("$archive/$name.$suffix");
	my @bits = map { 64 * 8 + int rand 8 * (length($stored) - 64) } 1 .. 20;
	my @wrong = not_refused("$name.$suffix", $name, [ map { [ "bit $_ flipped", flipped($stored, $_) ] } @bits ]);
	is(join("\n", @wrong), '', "$program: a bit flipped in 20 places") or diag("TEST_SEED=$seed");
	my @cuts = (1, map { $_ * 65536 } 1 .. 3);
	@wrong = not_refused("$name.$suffix", $name,
		[ map { [ "cut to $_ bytes", substr $stored, 0, $_ ] } @cuts ]);
	is(join("\n", @wrong), '', '... truncated');
	next if $suffix eq 'bz2';    # bzip2 -d takes it too, and gives the right content
	@wrong = not_refused("$name.$suffix", $name, [ [ 'garbage behind it', "$stored garbage" ] ]);
	is(join("\n", @wrong), '', '... with garbage behind it');
}
{
	my $archive = object('none', $file);
	my @bits = map { int rand 8 * length $bytes } 1 .. 200;
	my @wrong = grep { /exit code 0/ } not_refused($name, $name, [ map { [ "bit $_ flipped", flipped($bytes, $_) ] } @bits ]);
	cmp_ok(scalar @wrong, '<=', 4, 'none: 200 flipped bits, nearly all are seen (see walformat(5))')
	  or diag(join("\n", @wrong, "TEST_SEED=$seed"));
	my @cuts = (0, 1, 23, 24, 39, 40, map { $_ * 65536 } 1 .. 15);
	@wrong = not_refused($name, $name,
		[ [ 'longer', "$bytes\0" ], map { [ "cut to $_ bytes", substr $bytes, 0, $_ ] } @cuts ]);
	is(join("\n", @wrong), '', '... truncations are all seen');
}

# ---- the wrong object

{
	my $archive = object('zstd', $file, put_segment($server, number => 4), put_segment($server, number => 5, end => 'zero', suffix => '.partial'));
	my $third = slurp("$archive/$name.zst");
	my $fourth = segment_name(number => 4);
	my $to = scratch('wrong') . '/RECOVERYXLOG';
	my @wrong = not_refused("$fourth.zst", $fourth, [ [ "renamed from $name", $third ] ]);
	is(join("\n", @wrong), '', 'an object renamed to another segment');
	my $later = segment_name(number => 3, timeline => 2);
	@wrong = not_refused("$later.zst", $later, [ [ 'renamed from timeline 1', $third ] ]);
	is(join("\n", @wrong), '', '... to another timeline');
	@wrong = not_refused("$name.partial.zst", "$name.partial", [ [ 'renamed', $third ] ]);
	is(join("\n", @wrong), '', '... to a .partial');
	my $fifth = segment_name(number => 5);
	@wrong = not_refused("$fifth.zst", $fifth, [ [ 'renamed', slurp("$archive/$fifth.partial.zst") ] ]);
	is(join("\n", @wrong), '', '... a .partial to a whole segment');

	my $plain = scratch('plain');
	spew("$plain/$fourth", $bytes);
	refuses('the same without a label', { code => 4, keeps => [$plain, scratch('wrong')] }, 'walfetch', $plain, $fourth, $to);
	rename "$plain/$fourth", "$plain/$later" or die;
	my $run = run('walfetch', $plain, $later, $to);
	is($run->{code}, 0, '... but pages of a lower timeline are what the first segment of a timeline begins with');
	unlink $to;

	my $other = data_directory('other', sysid => SYSID + 1);
	refuses('the segment of another cluster', { code => 4, keeps => [$other], cwd => $other, like => qr/another cluster/ },
		'walfetch', $archive, $name, 'pg_wal/RECOVERYXLOG');
	refuses('... by an absolute path', { code => 4, keeps => [$other] }, 'walfetch', $archive, $name, "$other/pg_wal/$name");
	refuses('... without a label', { code => 4, keeps => [$other], cwd => $other },
		'walfetch', object('none', $file), $name, 'pg_wal/RECOVERYXLOG');
}

# ---- a good copy beside a damaged one

{
	my $archive = object('zstd', $file);
	succeeds('the same segment by gzip', 'sh', '-c', 'gzip -c "$1" > "$2"', 'sh', $file, "$archive/$name.gz");
	spew("$archive/$name.zst", flipped(slurp("$archive/$name.zst"), 100_000));
	my $run = run('walfetch', $archive, $name, '-');
	ok($run->{code} == 0 && $run->{out} eq $bytes, 'a damaged copy does not hide a good one') or diag($run->{err});
	like($run->{err}, qr/\Awalfetch: warning: [^\n]*\n\z/, '... but is told');
	unlink "$archive/$name.gz";
	spew("$archive/$name.lz4", 'rubbish');
	refuses('two damaged copies are no good one', { code => 5, keeps => [$archive] }, 'walfetch', $archive, $name, '-');
}

done_testing;
