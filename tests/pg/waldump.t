# The reader of pages and records held against PostgreSQL's own: pg_waldump for 15, pg_walinspect for 16 and later (the packages of
# the other majors have no pg_waldump); what an older one has written must at least be accepted.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";
use PgTest majors => [ 15, 10, 12, 14, 16, 17, 18 ], programs => ['walcheck'];
use Test::More;
use WalTest;

my $pg_waldump = '/usr/lib/postgresql/15/bin/pg_waldump';

for my $major (15, 10, 12, 14, 16, 17, 18)
{
	subtest "PostgreSQL $major" => sub {
		plan skip_all => why_not($major) if !have_major($major);
		test_major($major);
	};
}
done_testing();

sub test_major
{
	my ($major) = @_;
	my $node = PgTest->new("pg$major", major => $major, segment_mb => $major >= 11 ? 1 : 16);
	$node->init->start;
	my @segments = write_segments($node);
	my $expected = $major == 15 ? \&ask_waldump : $major > 15 ? \&ask_walinspect : sub { return };
	for my $segment (@segments)
	{
		my $found = walcheck($node, $segment);
		is($found->{verdict}, 'ok', "$segment is accepted") or diag($found->{line});
		my ($records, $end) = $expected->($node, $segment) or next;
		is($found->{records}, $records, "$segment: all its records");
		is($found->{end}, $end, "$segment: to the last one's end") if defined $end;
	}
	partial_is_accepted($node);
	damage_is_found($node, @segments) if $major == 15;
	new_timeline_is_accepted($node);
	$node->stop('immediate');
	return;
}

# Segments with all that makes them different: full ones, switched ones, page images, a record longer than a segment.
sub write_segments
{
	my ($node) = @_;
	my $long  = int($node->segment_bytes * 2.5);
	$node->sql(
		'CREATE TABLE filled (id int PRIMARY KEY, what text)',
		q{INSERT INTO filled SELECT n, md5(n::text) FROM generate_series(1, 8000) n},
		'CHECKPOINT',
		q{UPDATE filled SET what = what || 'x' WHERE id % 3 = 0},
		'SELECT pg_switch_wal()',
		q{INSERT INTO filled VALUES (0, 'nearly nothing')},
		'SELECT pg_switch_wal()',
		qq{SELECT 1 FROM pg_logical_emit_message(false, 'test', repeat('long', $long / 4))},
		q{DELETE FROM filled WHERE id % 7 = 0},
	);
	$node->pgbench('-i', '-q') if $node->segment_bytes < 16 << 20;
	my $last = $node->switch_wal;
	my @all  = grep { $_ le $last } segments_of($node);
	cmp_ok(scalar @all, '>=', 5, 'there is WAL to look at');
	return @all;
}

sub segments_of
{
	my ($node) = @_;
	return sort grep { /^[0-9A-F]{24}$/ } map { m{([^/]+)$} } glob $node->data . '/pg_wal/*';
}

# What our reader says: verdict, records, end (an LSN as a number), how (full, switch, stale).
sub walcheck
{
	my ($node, $segment) = @_;
	return verdict(run(program('walcheck'), $node->data . "/pg_wal/$segment"));
}

sub verdict
{
	my ($run) = @_;
	my ($verdict, $records, $end, $how) = $run->{out} =~ /^\S+ (\w+)(?: (\d+) ([0-9A-F]+\/[0-9A-F]+) (\w+))?/;
	return {
		line    => $run->{out} . $run->{err},
		code    => $run->{code},
		verdict => $verdict // 'nothing',
		records => $records,
		end     => defined $end ? lsn($end) : undef,
		how     => $how,
	};
}

sub lsn
{
	my ($high, $low) = map { hex } split m{/}, $_[0];
	return ($high << 32) + $low;
}

# Number of records and the end of the last one, by pg_waldump of the segment alone.
sub ask_waldump
{
	my ($node, $segment) = @_;
	my $run = run($pg_waldump, $node->data . "/pg_wal/$segment");
	return (0) if $run->{err} =~ /could not find a valid record/;    # all of it is the inside of one
	is($run->{code}, 0, "pg_waldump reads $segment") or diag($run->{err});
	my @records = $run->{out} =~ m{^rmgr: .*len \(rec/tot\): +\d+/ *(\d+), .*lsn: ([0-9A-F/]+), }mg;
	my ($length, $at) = @records[ -2, -1 ];
	return (@records / 2, record_end($node, lsn($at), $length));
}

# Page headers come between the bytes of a record that crosses pages: 24 bytes (40 on a segment's first page, which a record
# from within the segment never reaches).
sub record_end
{
	my ($node, $at, $length) = @_;
	my $left = 8192 - $at % 8192;
	my $end  = $at;
	while ($length > $left)
	{
		$length -= $left;
		$end += $left + 24;
		$left = 8192 - 24;
	}
	return ($end + $length + 7) & ~7;
}

# The same by the server, of records that begin and end in the segment.
sub ask_walinspect
{
	my ($node, $segment) = @_;
	$node->sql('CREATE EXTENSION IF NOT EXISTS pg_walinspect');
	my $size  = $node->segment_bytes;
	my $start = (hex(substr $segment, 8, 8) << 32) + hex(substr $segment, 16, 8) * $size;
	my ($from, $to) = map { sprintf "'%X/%X'::pg_lsn", $_ >> 32, $_ & 0xffffffff } $start, $start + $size;
	my $records = $node->sql("SELECT count(*) FROM pg_get_wal_records_info($from, $to)"
		  . " WHERE start_lsn >= $from AND end_lsn <= $to");
	return ($records);
}

# The segment being written, under the name that it gets at a promotion.
sub partial_is_accepted
{
	my ($node) = @_;
	$node->sql(q{INSERT INTO filled VALUES (-1, 'in the current segment')});
	my $partial = $node->segment . '.partial';
	my $written = lsn($node->lsn);
	my $copy = scratch('partial' . $node->major) . "/$partial";
	spew($copy, slurp($node->data . '/pg_wal/' . $node->segment));
	my $found = verdict(run(program('walcheck'), $copy));
	is("$found->{verdict} $found->{how}", 'ok stale', 'a partial segment is accepted') or diag($found->{line});
	cmp_ok($found->{end}, '>=', $written, 'to the last record written');
	cmp_ok($found->{end}, '<=', lsn($node->lsn), 'and no further');    # the server may write a record meanwhile
	return;
}

# Single bits of real segments are flipped. What pg_waldump finds, our reader must find.
sub damage_is_found
{
	my ($node, @segments) = @_;
	my ($found_by_both, @missed) = (0);
	my @readable = grep { walcheck($node, $_)->{records} } @segments;    # pg_waldump sees nothing inside a long record
	srand 20;
	for my $round (1 .. 120)
	{
		my $segment = $readable[ rand @readable ];
		my ($oracle, $ours) = both_on_flipped($node, $segment, int rand 8 * bytes_written($node, $segment));
		next if $oracle->{code} == 0;
		$found_by_both++ if $ours->{verdict} eq 'error';
		push @missed, "$ours->{line}: $oracle->{err}" if $ours->{verdict} ne 'error';
	}
	is_deeply(\@missed, [], 'every flipped bit that pg_waldump finds is found');
	cmp_ok($found_by_both, '>', 60, 'and there were many');

	# The first record's pointer to the one before it, the first page being the last one in use.
	my ($short) = grep { ends_on_first_page($node, $_) && first_record_is_at_40($node, $_) } @segments;
	my ($oracle, $ours) = both_on_flipped($node, $short, 54 * 8);
	is($oracle->{code}, 1, "pg_waldump finds the first record's pointer damaged");
	is($ours->{verdict}, 'error', 'and so do we') or diag($ours->{line});
	return;
}

sub both_on_flipped
{
	my ($node, $segment, $bit) = @_;
	my $content = slurp($node->data . "/pg_wal/$segment");
	vec($content, $bit, 1) ^= 1;
	my $copy = spew(scratch('damaged') . "/$segment", $content);
	return (run($pg_waldump, '-q', $copy), verdict(run(program('walcheck'), $copy)));
}

# Pages up to the last that is not zero.
sub bytes_written
{
	my ($node, $segment) = @_;
	my $content = slurp($node->data . "/pg_wal/$segment");
	my $length  = length $content;
	$length -= 8192 while $length > 8192 && substr($content, $length - 8192, 8192) eq "\0" x 8192;
	return $length;
}

sub ends_on_first_page
{
	my ($node, $segment) = @_;
	my $found = walcheck($node, $segment);
	return $found->{how} eq 'switch' && $found->{end} % $node->segment_bytes < 8192;
}

# No record reaches in from the segment before.
sub first_record_is_at_40
{
	my ($node, $segment) = @_;
	return unpack('L', substr slurp($node->data . "/pg_wal/$segment"), 16, 4) == 0;
}

# The first segment of a new timeline begins with pages of the old one.
sub new_timeline_is_accepted
{
	my ($node) = @_;
	$node->stop;
	$node->recovery('standby', restore_command => 'false');
	$node->start;
	$node->promote;
	$node->sql(q{INSERT INTO filled VALUES (-2, 'on timeline 2')});
	my $segment = $node->switch_wal;
	like($segment, qr/^00000002/, 'a segment of timeline 2');
	my $found = walcheck($node, $segment);
	is($found->{verdict}, 'ok', 'is accepted') or diag($found->{line});
	return;
}
