# walverify reads what is there: damaged objects, and those that are not what their names say, are found and cut recoveries. (That
# every flipped bit is found: unit/check.c. Records across segments: pg/verify.t.)

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";
use Digest::SHA ();
use VerifyTest;

my $server = data_directory('server');
my @codings = (none => '', gzip => '.gz', lz4 => '.lz4', zstd => '.zst');
my %suffix  = @codings;

sub name { my ($number) = @_; return segment_name(number => $number) }

# Six segments in this coding, and a backup at the beginning.
sub archive
{
	my ($title, $coding) = @_;
	my $archive = scratch($title);
	for my $number (1 .. 6)
	{
		my $run = run('walpush', "--compress=$coding", $archive, put_segment($server, number => $number, end => 'switch'));
		die $run->{err} if $run->{code};
	}
	put_backup($archive, number => 2);
	return $archive;
}

sub flip
{
	my ($file, $bit) = @_;
	my $content = slurp($file);
	vec($content, $bit // 4 * length $content, 1) ^= 1;
	spew($file, $content);
	return;
}

for my $coding (grep { exists $suffix{$_} } @codings)
{
	my $archive = archive($coding, $coding);
	my $key = name(4) . $suffix{$coding};
	my $found = verify($archive);
	is($found->{code}, 0, "$coding: whole");
	is($found->{checked}{objects}, 7, "$coding: all is read");
	is($found->{recoverable}[0]{last_segment}, name(6), "$coding: recoverable to the end");
	flip("$archive/$key", $coding eq 'none' ? 8 * 200 : undef);
	$found = verify($archive);
	is($found->{code}, 1, "$coding: damage is found");
	is_deeply([ map { $_->{object} } @{ $found->{damaged} } ], [$key], "$coding: which object");
	is_deeply($found->{damaged}[0]{ends}, [ backup_name(number => 2) ], "$coding: it ends the backup's recovery");
	is($found->{recoverable}[0]{last_segment}, name(3), "$coding: recoverable to the segment before");
	is_deeply($found->{gaps}, [], "$coding: and it is no gap");
	is(verify('--quick', $archive)->{code}, 0, "$coding: names don't tell");
	is(verify('--from', name(5), $archive)->{code}, 0, "$coding: it is not read when it is not meant");
}

subtest 'another copy' => sub {
	my $archive = archive('copy', 'zstd');
	system('cp', "$archive/" . name(4) . '.zst', "$archive/../kept") == 0 or die;
	run('sh', '-c', 'zstd -dcq "$1" >"$2"', 'sh', "$archive/" . name(4) . '.zst', "$archive/" . name(4));
	flip("$archive/" . name(4) . '.zst');
	my $found = verify($archive);
	is($found->{code}, 1, 'the damaged one is told');
	ok(!$found->{damaged}[0]{only_copy}, 'there is a whole one');
	is($found->{recoverable}[0]{last_segment}, name(6), 'which recovery goes through');
	flip("$archive/" . name(4), 8 * 200);
	$found = verify($archive);
	is(scalar @{ $found->{damaged} }, 2, 'both are damaged');
	is($found->{recoverable}[0]{last_segment}, name(3), 'recovery ends');
};

subtest 'not what the name says' => sub {
	my $archive = archive('wrong', 'none');
	my $wrong = sub {
		my ($title, $like, %option) = @_;
		spew("$archive/" . name(4), segment(end => 'switch', number => 4, %option));
		my $found = verify($archive);
		like($found->{damaged}[0]{problem} // '', $like, $title);
		is($found->{code}, 1, 'exit code 1');
	};
	$wrong->('another segment', qr/0\/500000|another segment|address/, number => 5);
	$wrong->('another cluster', qr/another cluster's: system identifier 42, the archive's is/, sysid => 42);
	$wrong->('a later timeline', qr/timeline/, timeline => 2);
	spew("$archive/" . name(4), substr segment(number => 4, end => 'switch'), 0, 500_000);
	like(verify($archive)->{damaged}[0]{problem}, qr/only 500000 bytes/, 'one that is short');
	spew("$archive/" . name(4), '');
	like(verify($archive)->{damaged}[0]{problem}, qr/./, 'an empty one');
	spew("$archive/" . name(4), 'nonsense');
	like(verify($archive)->{damaged}[0]{problem}, qr/./, 'no WAL at all');
	system('cp', "$archive/" . name(3), "$archive/" . name(4));
	is(verify($archive)->{damaged}[0]{name}, name(4), 'a copy under a wrong name');
};

# As pg_resetwal --wal-segsize leaves it behind: the same cluster, the same names, other places.
subtest 'segments of two sizes' => sub {
	my %other = (size => 4 * MB, number => 2, end => 'switch');
	my $small = make_archive('small_first', { 1 => [ 1, 2 ] }, real => 1, end => 'switch');
	spew("$small/" . segment_name(%other, number => 3), segment(%other, number => 3));
	my $found = verify($small);
	is($found->{code}, 1, 'a larger one among small ones: exit code 1');
	like($found->{damaged}[0]{problem}, qr/^it is a segment of 4194304 bytes, the archive's first are of 1048576$/, 'it is named');
	my $large = scratch('large_first');
	spew("$large/" . segment_name(%other), segment(%other));
	put_names($large, 1, [ 2000, 3000 ], real => 1, end => 'switch');
	for my $depth (['--quick'], [])
	{
		$found = verify(@$depth, $large);
		is($found->{code}, 1, "@$depth small ones behind a large one, with a gap in between: exit code 1");
		my ($told) = grep { $_->{problem} =~ /^no segment of 4194304 bytes.*\(2 such objects\)$/ } @{ $found->{damaged} };
		is($told && $told->{name}, segment_name(number => 2000), 'the first whose name can not be is named');
	}
};

subtest 'small files' => sub {
	my $archive = archive('small', 'zstd');
	put_history($archive, 2, [ 1, 6 ]);
	put_names($archive, 2, [ 6, 7 ], real => 1, end => 'switch');
	is(verify($archive)->{code}, 0, 'whole');
	spew("$archive/" . backup_name(number => 5), 'no backup');
	put_history($archive, 3, [ 2, 7 ]);
	spew("$archive/00000003.history", 'no history');
	my $found = verify($archive);
	is_deeply([ map { $_->{object} } @{ $found->{damaged} } ], [ backup_name(number => 5), '00000003.history' ], 'each is told once');
	is((grep { $_->{verdict} eq 'damaged' } @{ $found->{backups} })[0]{name}, backup_name(number => 5), 'as is the backup');
};

subtest 'partials' => sub {
	my $archive = archive('partial', 'zstd');
	my $run = run('walpush', $archive, put_segment($server, number => 7, suffix => '.partial', end => 'stale'));
	is($run->{code}, 0, 'pushed') or diag($run->{err});
	is(verify($archive)->{code}, 0, 'whole');
	flip("$archive/" . name(7) . '.partial.zst');
	is(verify($archive)->{damaged}[0]{name}, name(7) . '.partial', 'a damaged one is found');

	my $receiving = make_archive('receiving', { 1 => [7] }, end => 'switch');
	spew("$receiving/" . name(8) . '.partial', substr segment(number => 8, end => 'zero'), 0, 300_000);
	is(verify($receiving)->{code}, 0, "pg_receivewal's, which is short");
};

subtest 'old releases' => sub {
	my %headers_only = ('9.4' => 3, '9.6' => 0);
	for my $major (sort keys %headers_only)
	{
		my %option = (major => $major, real => 1, end => 'switch', size => 16 * MB);
		my $found = verify(make_archive("major$major", { 1 => [ 1 .. 3 ] }, %option));
		is($found->{code}, 0, "$major: whole");
		is($found->{checked}{headers_only}, $headers_only{$major}, 'of how many no more than headers are looked at');
	}
};

# There is no segment FF.
subtest 'PostgreSQL 9.2' => sub {
	my $archive = scratch('9.2');
	old_segment($archive, @$_) for [ 2, 0xFD ], [ 2, 0xFE ], [ 3, 0 ];
	my $found = verify($archive);
	is($found->{code}, 0, 'the last of a log is followed by the first of the next');
	is($found->{checked}{headers_only}, 3, 'no more than headers are looked at');
	rename "$archive/000000010000000300000000", "$archive/000000010000000300000001" or die $!;
	$found = verify($archive);
	is(gap_list($found), '000000010000000300000000', 'a gap');
	like($found->{damaged}[0]{problem}, qr{another segment, which begins at 3/00000000}, 'a wrong name');
};

sub old_segment
{
	my ($archive, $log, $number) = @_;
	my $file = spew(sprintf('%s/00000001%08X%08X', $archive, $log, $number),
		pack('vvVVVQ<VV', 0xD071, 2, 1, $log, $number * 16 * MB, SYSID, 16 * MB, 8192));
	truncate $file, 16 * MB or die $!;
	return;
}

subtest 'sample and jobs' => sub {
	my $archive = archive('sample', 'zstd');
	flip("$archive/" . name(4) . '.zst');
	is(verify("--jobs=$_", $archive)->{code}, 1, "--jobs=$_") for 1, 7;
	my $read = 0;
	$read += verify('--sample=30%', $archive)->{checked}{objects} for 1 .. 12;
	ok($read > 8 && $read < 45, "--sample: $read of 84 objects");
	unlink "$archive/" . name(3) . '.zst';
	is(verify('--sample=0.01%', $archive)->{gaps}[0]{first}, name(3), 'and continuity is looked at nevertheless');
	refuses('no percentage', { code => 2, like => qr/is no percentage/ }, 'walverify', '--sample=x', $archive);
	refuses('more than all', { code => 2, like => qr/is no percentage/ }, 'walverify', '--sample=101%', $archive);
	refuses('two depths', { code => 2, like => qr/exclude each other/ }, 'walverify', '--quick', '--deep', $archive);
};

# Its SHA-1 is in the name, and pgBackRest itself does not look at it at a restore.
subtest 'an archive of pgBackRest' => sub {
	my $repository = scratch('pgbackrest');
	my $log = '0000000100000000';
	my $directory = scratch("pgbackrest/archive/main/15-1/$log");
	my @objects;
	for my $number (1 .. 4)
	{
		my $content = segment(number => $number, end => 'switch');
		push @objects, name($number) . '-' . Digest::SHA::sha1_hex($content);
		spew("$directory/$objects[-1]", $content);
	}
	my $found = verify($repository);
	is("$found->{code} $found->{checked}{objects}", '0 4', 'whole');
	flip("$directory/$objects[2]", 8 * 500_000);
	$found = verify($repository);
	is($found->{damaged}[0]{object}, "$log/$objects[2]", 'a flipped bit in the empty part of a segment is found');
	like($found->{damaged}[0]{problem}, qr/SHA-1/, 'by that');
	unlink "$directory/$objects[1]";
	is(gap_list(verify('--quick', $repository)), name(2), 'a gap');
};

subtest 'unreadable' => sub {
	my $other = unprivileged() // plan skip_all => 'permissions do not count';
	my $archive = archive('unreadable', 'zstd');
	chmod 0, "$archive/" . name(4) . '.zst';
	system('chmod', '-R', 'go+rX', $archive);
	chmod 0, "$archive/" . name(4) . '.zst';
	chmod 0755, scratch();
	refuses('permission denied', { %$other, code => 6, like => qr/ermission denied/ }, 'walverify', $archive);
};

done_testing();
