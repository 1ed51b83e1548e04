# Every coding, there and back, by our programs and by everybody's.

use FindBin;
use lib "$FindBin::Bin/../lib";
use CliTest;

my $server = data_directory('server');
my %suffix = (none => '', gzip => '.gz', lz4 => '.lz4', zstd => '.zst');
my %decode = (none => 'cat', gzip => 'gzip -dc', lz4 => 'lz4 -dcq', zstd => 'zstd -dcq');

my %files = (
	segment_name(number => 3)                                => segment(number => 3, variety => 1400),
	segment_name(number => 4)                                => segment(number => 4, end => 'switch'),
	segment_name(number => 5) . '.partial'                   => segment(number => 5, end => 'stale', variety => 300),
	segment_name(number => 6, size => 16 * MB)               => segment(number => 6, size => 16 * MB, variety => 3000),
	'00000002.history'                                       => history_text(),
	backup_name(number => 3)                                 => backup_text(number => 3),
);
put($server, $_, $files{$_}) for keys %files;
my @names = sort keys %files;

for my $choice (qw(none gzip gzip:1 gzip:6 gzip:9 lz4 lz4:1 lz4:9 lz4:12 zstd zstd:1 zstd:3 zstd:19))
{
	my ($coding) = $choice =~ /^(\w+)/;
	my $archive = scratch("archive_$choice");
	my @pushed = $choice =~ /:/ ? grep { length $files{$_} <= MB } @names : @names;
	succeeds("$choice: pushed", 'walpush', "--compress=$choice", $archive, map { pg_wal($server) . "/$_" } @pushed);
	is(stored($archive), join(' ', sort map { "$_$suffix{$coding}" } @pushed), '... with the right suffix');
	my (@by_hand, @by_us, @by_others);
	for my $name (@pushed)
	{
		my $run = run('sh', '-c', "$decode{$coding} < \"\$1\"", 'sh', "$archive/$name$suffix{$coding}");
		push @by_hand, $name if $run->{out} ne $files{$name} || $run->{err} ne '' || $run->{code} != 0;
		$run = run('walfetch', $archive, $name, '-');
		push @by_us, "$name: $run->{err}" if $run->{out} ne $files{$name} || $run->{err} ne '' || $run->{code} != 0;
		next if $choice =~ /:/ || length $files{$name} > MB;
		for my $configured (grep { $_ ne $coding } qw(none gzip lz4 zstd))
		{
			my $out = scratch() . '/out';
			$run = run('walfetch', "--compress=$configured", $archive, $name, $out);
			push @by_others, "$name, $configured: $run->{err}"
			  if $run->{code} != 0 || $run->{err} ne '' || slurp($out) ne $files{$name};
		}
	}
	is("@by_hand", '', "... $decode{$coding} gives them back");
	is("@by_us", '', '... walfetch gives them back');
	next if $choice =~ /:/;
	is("@by_others", '', '... also when it is configured for another coding');
	my $before = listing($archive);
	for my $again (grep { $_ ne $choice } qw(none gzip:9 lz4 zstd:1))
	{
		succeeds("... a push with $again finds them archived", 'walpush', "--compress=$again", $archive,
			map { pg_wal($server) . "/$_" } grep { length $files{$_} <= MB } @pushed);
	}
	is(listing($archive), $before, '... and stores nothing twice');
}

# ---- objects that other programs have made, under the usual suffixes and under the bare name

my %programs = (
	'.gz' => 'gzip -c', '.zst' => 'zstd -qc', '.lz4' => 'lz4 -qc', '.xz' => 'xz -1 -c', '.bz2' => 'bzip2 -1 -c', '' => 'cat',
);
my @small = grep { length $files{$_} <= MB } @names;
for my $suffix (sort keys %programs)
{
	my $archive = scratch("foreign$suffix");
	my $bare = scratch("bare$suffix");
	for my $name (@small)
	{
		run('sh', '-c', "$programs{$suffix} < \"\$1\" > \"\$2\"", 'sh', pg_wal($server) . "/$name", "$archive/$name$suffix");
		system('cp', "$archive/$name$suffix", "$bare/$name") == 0 or die;
	}
	for my $name (@small)
	{
		for my $way ([ $archive, 'with its suffix' ], [ $bare, 'under the bare name' ])
		{
			my $run = run('walfetch', $way->[0], $name, '-');
			ok($run->{code} == 0 && $run->{err} eq '' && $run->{out} eq $files{$name},
				"$programs{$suffix}: $name comes back, $way->[1]") or diag($run->{code}, $run->{err});
		}
	}
}

# without a label the records are what is checked
for my $suffix (sort keys %programs)
{
	my $archive = scratch("foreign_damaged$suffix");
	my $name = segment_name(number => 3);
	my $bytes = $files{$name};
	substr($bytes, 700_001, 1) ^= "\x10";
	spew(scratch() . '/damaged', $bytes);
	run('sh', '-c', "$programs{$suffix} < \"\$1\" > \"\$2\"", 'sh', scratch() . '/damaged', "$archive/$name$suffix");
	refuses("$programs{$suffix}: a damaged record in a well-formed object", { code => 5, keeps => [ scratch('dest') ] },
		'walfetch', $archive, $name, scratch('dest') . '/RECOVERYXLOG');
}

# several members or frames in one object are one content
{
	my $archive = scratch('joined');
	my $name = segment_name(number => 3);
	my ($head, $tail) = map { spew(scratch() . "/part$_->[0]", $_->[1]) }
	  [ 1, substr $files{$name}, 0, 400_000 ], [ 2, substr $files{$name}, 400_000 ];
	for my $suffix ('.gz', '.zst', '.lz4', '.bz2', '.xz')
	{
		my $to = scratch("joined$suffix");
		run('sh', '-c', "{ $programs{$suffix} < \"\$1\"; $programs{$suffix} < \"\$2\"; } > \"\$3\"", 'sh', $head, $tail,
			"$to/$name$suffix");
		my $run = run('walfetch', $to, $name, '-');
		ok($run->{code} == 0 && $run->{out} eq $files{$name}, "$programs{$suffix}: two parts, one behind the other")
		  or diag($run->{err});
	}
}

# ---- levels and names that there are not

for my $wrong (qw(zstd:0 zstd:20 zstd:-1 zstd: zstd:3x gzip:0 gzip:10 lz4:0 lz4:13 none:1 xz bzip2 zstdd ZSTD), '', ':3', 'zstd:99999999999')
{
	my $archive = scratch('levels');
	refuses("--compress=$wrong", { code => 2, keeps => [$archive], like => qr/compress/ },
		'walpush', "--compress=$wrong", $archive, pg_wal($server) . "/$names[0]");
}

done_testing;
