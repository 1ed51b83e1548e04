# A small object must not fill a disk or the memory, whatever it says of itself: no more than a segment is ever written.

use FindBin;
use lib "$FindBin::Bin/../lib";
use CliTest;

my $server  = data_directory('server');
my $name    = segment_name(number => 3);
my $nothing = scratch('nothing');

# The label of an object, as walformat(5) describes it, for content that somebody else has coded.
sub labelled
{
	my ($stored, %field) = @_;
	my $text = join '', map { "$_->[0]=$_->[1]\n" }
	  [ 'waltools-label', 1 ], [ 'name', $field{name} ], [ 'raw-size', $field{size} ], [ 'raw-sha256', $field{sha256} // 'a' x 64 ],
	  [ 'stored-size', sprintf '%020d', length $stored ], [ 'stored-crc32c', sprintf '%08x', crc32c($stored) ],
	  [ 'system-identifier', SYSID ], [ 'timeline', 1 ], [ 'server-version', '15' ], [ 'time', '2026-11-23T20:00:00Z' ];
	require Compress::Zlib;
	$text .= sprintf "crc32=%08x\n", Compress::Zlib::crc32($text);
	return pack('VV', 0x184D2A57, length $text) . $text . $stored;
}

# ---- labels that lie

{
	my $archive = scratch('label');
	my $first = segment_name(number => 9);
	my $whole = segment(number => 9, end => 'switch');
	spew(scratch() . '/whole', $whole);
	my $stored = run('zstd', '-qc', scratch() . '/whole')->{out};
	spew("$archive/$first.zst", labelled($stored, name => $first, size => MB, sha256 => Digest::SHA::sha256_hex($whole)));
	my $run = run('walfetch', $archive, $first, '-');
	ok($run->{code} == 0 && $run->{out} eq $whole, 'a label made by hand is a label') or diag($run->{err});
	for my $case (
		[ 'of a wrong SHA-256', size => MB,       sha256 => 'b' x 64 ],
		[ 'of a wrong size',    size => MB - 1,   sha256 => Digest::SHA::sha256_hex($whole) ],
		[ 'of a size too large', size => 2 * MB,  sha256 => Digest::SHA::sha256_hex($whole) ],
		[ 'of a huge size',     size => 1 << 62,  sha256 => Digest::SHA::sha256_hex($whole) ],
		[ 'of a negative size', size => -1,       sha256 => Digest::SHA::sha256_hex($whole) ],
	  )
	{
		my ($title, %field) = @$case;
		spew("$archive/$first.zst", labelled($stored, name => $first, %field));
		refuses("a label $title", { code => 5, keeps => [ scratch('labels') ] },
			'walfetch', $archive, $first, scratch('labels') . '/RECOVERYXLOG');
	}
}

# ---- bombs

my %bombers = (
	'.zst' => 'zstd -qc --long=27 --no-check', '.lz4' => 'lz4 -qc', '.gz' => 'gzip -1c', '.xz' => 'xz -0c', '.bz2' => 'bzip2 -1c',
);
for my $suffix (sort keys %bombers)
{
	my $archive = scratch("bomb$suffix");
	my ($zeros, $looks_real, $text) = ("$archive/$name$suffix", "$archive/" . segment_name(number => 4) . $suffix, "$archive/00000002.history$suffix");
	my $begin = put_segment($server, number => 4);
	my $coded = sub { run('sh', '-c', "{ $_[0]; } | $bombers{$suffix}", 'sh', $begin)->{out} };
	my $zeros_16mb = $coded->('head -c 16777216 /dev/zero');    # all these codings may be strung together
	spew($zeros, $zeros_16mb x 256);
	spew($looks_real, $coded->('cat "$1"'), $zeros_16mb x 64);
	spew($text, $coded->("echo '1\t0/3000000\tnone'"), $coded->("yes '# comment' | head -c 4194304") x 32);
	my @cases = ([ $zeros, $name ], [ $looks_real, segment_name(number => 4) ], [ $text, '00000002.history' ]);
	if ($suffix eq '.zst')
	{
		my $labelled = scratch('bomb_labelled');
		spew("$labelled/" . segment_name(number => 4) . '.zst',
			labelled(slurp($looks_real), name => segment_name(number => 4), size => MB));
		push @cases, [ "$labelled/" . segment_name(number => 4) . '.zst', segment_name(number => 4) ];
	}
	for my $case (@cases)
	{
		my ($path, $wanted) = @$case;
		my ($from) = $path =~ m{^(.*)/};
		my $to = scratch('bombed');
		my $title = sprintf '%s of %d bytes', $path =~ m{([^/]*/[^/]*)$}, -s $path;
		# one segment and no more may be written: the limit of a file's size would show it
		my $run = run({ cwd => $nothing }, 'sh', '-c', 'ulimit -f 2056; exec walfetch "$@"', 'sh', '--timeout=1s', $from, $wanted,
			"$to/RECOVERYXLOG");
		is(join("\n", one_error($run, 'walfetch', 5)), '', "bomb: $title") or diag($run->{err});
		is(listing($to) =~ tr/\n//, 1, '... nothing is left of it');
		my ($peak, $code, $error) = peak_kb('walfetch', '--timeout=1s', $from, $wanted, "$to/RECOVERYXLOG");
	  SKIP:
		{
			skip 'peak memory can not be asked for here', 1 unless $peak;
			cmp_ok($peak, '<', 64 * 1024, "... peak memory $peak KiB");
		}
	}
	unlink map { $_->[0] } @cases;
}

# ---- and in the daily case

for my $coding (qw(none gzip lz4 zstd))
{
	my @large = (number => 3, size => 16 * MB, variety => 4000);
	my $large = put_segment($server, @large);
	my $archive = scratch("large_$coding");
	my ($pushing) = peak_kb('walpush', "--compress=$coding", $archive, $large);
	my ($fetching) = peak_kb('walfetch', $archive, segment_name(@large), scratch('large') . '/RECOVERYXLOG');
  SKIP:
	{
		skip 'peak memory can not be asked for here', 1 unless $pushing;
		cmp_ok($pushing, '<', 64 * 1024, "$coding: peak memory of a push of 16 MB: $pushing KiB");
		cmp_ok($fetching, '<', 64 * 1024, "... of a fetch: $fetching KiB");
	}
}

done_testing;
