# The reader of pages and records held against PostgreSQL's own: pg_waldump for 15, pg_walinspect for 16 and later (the packages of
# the other majors have no pg_waldump); what an older one has written must at least be accepted.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";
use List::Util qw(max sum);
use PgTest majors => [ 15, 10, 12, 14, 16, 17, 18 ], programs => ['walcheck'];
use Test::More;
use Time::Local qw(timegm);
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
	$node->init->configure(max_prepared_transactions => 2);
	$node->start;
	my @segments = write_segments($node);
	my $expected = $major == 15 ? \&ask_waldump : $major > 15 ? \&ask_walinspect : sub { return };
	for my $segment (@segments)
	{
		my $found = walcheck($node, $segment);
		is($found->{verdict}, 'ok', "$segment is accepted") or diag($found->{line});
		my ($records, $time, $end) = $expected->($node, $segment) or next;
		is($found->{records}, $records, "$segment: all its records");
		is($found->{time}, $time, "$segment: when the newest transaction ended");
		is($found->{end}, $end, "$segment: to the last one's end") if defined $end;
	}
	sequence_is_checked($node, $expected, @segments);
	partial_is_accepted($node);
	damage_is_found($node, @segments) if $major == 15;
	crossing_damage_is_found($node, @segments) if $major == 15;
	new_timeline_is_accepted($node);
	$node->stop('immediate');
	return;
}

# Segments with all that makes them different: full ones, switched ones, page images, a record longer than a segment, and
# transactions that end in every way.
sub write_segments
{
	my ($node) = @_;
	my $long  = int($node->segment_bytes * 2.5);
	$node->sql(
		'CREATE TABLE filled (id int PRIMARY KEY, what text)',
		q{INSERT INTO filled SELECT n, md5(n::text) FROM generate_series(1, 8000) n},
		'CHECKPOINT',
		q{UPDATE filled SET what = what || 'x' WHERE id % 3 = 0},
		(map { ('BEGIN', "INSERT INTO filled VALUES ($_, 'prepared')", "PREPARE TRANSACTION '$_'") } -10, -11),
		q{COMMIT PREPARED '-10'},
		'SELECT pg_switch_wal()',
		q{ROLLBACK PREPARED '-11'},
		'SELECT pg_switch_wal()',
		q{SELECT pg_replication_origin_create('elsewhere'), pg_replication_origin_session_setup('elsewhere')},
		q{INSERT INTO filled VALUES (0, 'nearly nothing')},
		'SELECT pg_switch_wal()',
		'SELECT pg_replication_origin_session_reset()',
		'BEGIN',
		q{DELETE FROM filled WHERE id < 100},
		'ROLLBACK',
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

# What our reader says: verdict, records, end (an LSN as a number), how (full, switch, stale), time.
sub walcheck
{
	my ($node, $segment) = @_;
	return verdict(run(program('walcheck'), path($node, $segment)));
}

sub path
{
	my ($node, $segment) = @_;
	return $node->data . "/pg_wal/$segment";
}

sub verdict
{
	my ($run) = @_;
	my ($verdict, $records, $end, $how, $time) =
	  $run->{out} =~ /^\S+ (\w+)(?: (\d+) ([0-9A-F]+\/[0-9A-F]+) (\w+) (\S+))?/;
	return {
		line    => $run->{out} . $run->{err},
		code    => $run->{code},
		verdict => $verdict // 'nothing',
		records => $records,
		end     => defined $end ? lsn($end) : undef,
		how     => $how,
		time    => $time,
	};
}

sub lsn
{
	my ($high, $low) = map { hex } split m{/}, $_[0];
	return ($high << 32) + $low;
}

# Number of records, the newest transaction's end and the last record's, by pg_waldump of these segments alone.
sub ask_waldump
{
	my ($node, $first, $last) = @_;
	my $run = run('env', 'TZ=UTC', $pg_waldump, path($node, $first), $last // ());
	return (0, 'none') if $run->{err} =~ /could not find a valid record/;    # all of it is the inside of one
	is($run->{code}, 0, "pg_waldump reads $first") or diag($run->{err});
	my @records = $run->{out} =~ m{^rmgr: .*len \(rec/tot\): +\d+/ *(\d+), .*lsn: ([0-9A-F/]+), }mg;
	my ($length, $at) = @records[ -2, -1 ];
	return (@records / 2, newest_time($run->{out}), record_end($node, lsn($at), $length));
}

# In microseconds since 1970.
sub newest_time
{
	my ($text) = @_;
	my @times;
	while ($text =~ /desc: (?:COMMIT|ABORT)(?:_PREPARED)? (?:\d+: )?(\d+)-(\d+)-(\d+) (\d+):(\d+):(\d+)\.(\d{6}) UTC/g)
	{
		push @times, timegm($6, $5, $4, $3, $2 - 1, $1) * 1_000_000 + $7;
	}
	return max(@times) // 'none';
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

# The same by the server, of records that begin and end in these segments.
sub ask_walinspect
{
	my ($node, $first, $last) = @_;
	$node->sql('CREATE EXTENSION IF NOT EXISTS pg_walinspect');
	my ($from, $to) = map { sprintf "'%X/%X'::pg_lsn", $_ >> 32, $_ & 0xffffffff } segment_start($node, $first),
	  segment_start($node, $last // $first) + $node->segment_bytes;
	my $records = "pg_get_wal_records_info($from, $to) WHERE start_lsn >= $from AND end_lsn <= $to";
	my $count   = $node->sql("SELECT count(*) FROM $records");
	my $time    = $node->sql("SET timezone = 'UTC'",
		q{SELECT extract(epoch FROM max(substring(description FROM '\d+-\d+-\d+ \d+:\d+:\d+\.\d+')::timestamp)) * 1000000}
		  . " FROM $records AND resource_manager = 'Transaction' AND record_type ~ '^(COMMIT|ABORT)'");
	return ($count, $time eq '' ? 'none' : int $time);
}

sub segment_start
{
	my ($node, $segment) = @_;
	return (hex(substr $segment, 8, 8) << 32) + hex(substr $segment, 16, 8) * $node->segment_bytes;
}

# One behind the other, with what crosses their borders: no record is left out, none counted twice.
sub sequence_is_checked
{
	my ($node, $expected, @segments) = @_;
	my @found = verdicts(run(program('walcheck'), map { path($node, $_) } @segments));
	is_deeply([ map { $_->{verdict} } @found ], [ map { 'ok' } @segments ], 'one behind the other they are accepted')
	  or diag(map { $_->{line} } @found);
	my ($records, $time) = $expected->($node, @segments[ 0, -1 ]) or return;
	is(sum(map { $_->{records} } @found), $records, 'with all records, those that cross borders too');
	is(max(grep { $_ ne 'none' } map { $_->{time} } @found), $time, 'and the newest transaction');
	return;
}

# Of a run over several segments.
sub verdicts
{
	my ($run) = @_;
	return map { verdict({ %$run, out => "$_\n" }) } split /\n/, $run->{out};
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

# Single bits of records that cross from one segment to the next.
sub crossing_damage_is_found
{
	my ($node, @segments) = @_;
	my ($first, $second, $at) = find_crossing($node, @segments) or return fail('a record crosses a border');
	my $dir    = scratch('crossing');
	my $border = $node->segment_bytes;
	my @bits   = map { 8 * $at % (8 * $border) + $_ * 8 + $_ % 8 } range(0, $border - $at % $border, 12);
	push @bits, map { 8 * $border + $_ * 8 + $_ % 8 } range(40, 40 + reaching_in($node, $second), 12);
	my (@missed, @missed_by_oracle);
	for my $bit (@bits)
	{
		my $content = slurp(path($node, $first)) . slurp(path($node, $second));
		vec($content, $bit, 1) ^= 1;
		my @copies = ("$dir/$first", "$dir/$second");
		spew($copies[0], substr $content, 0, $border);
		spew($copies[1], substr $content, $border);
		push @missed,           $bit if run(program('walcheck'), @copies)->{code} != 1;
		push @missed_by_oracle, $bit if run($pg_waldump, '-q', $copies[0], $second)->{code} != 1;
	}
	is_deeply(\@missed_by_oracle, [], 'pg_waldump finds every flipped bit in a record that crosses a border');
	is_deeply(\@missed,           [], 'and so do we');
	return;
}

# The first two segments between which a record goes on, neither short, and its LSN.
sub find_crossing
{
	my ($node, @segments) = @_;
	for my $i (0 .. $#segments - 1)
	{
		my ($first, $second) = @segments[ $i, $i + 1 ];
		my $rest = reaching_in($node, $second);
		next if $rest < 32 || $rest > 8000;
		my $border = segment_start($node, $second);
		my @lsns   = run($pg_waldump, path($node, $first), $second)->{out} =~ m{lsn: ([0-9A-F/]+), }g;
		my ($at)   = sort { $b <=> $a } grep { $_ < $border } map { lsn($_) } @lsns;
		return ($first, $second, $at) if defined $at && $border - $at >= 32;
	}
	return;
}

# At most about `count` numbers from `from` to before `to`.
sub range
{
	my ($from, $to, $count) = @_;
	my $step = max(1, int(($to - $from) / $count));
	return map { $from + $_ * $step } 0 .. ($to - $from - 1) / $step;
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
	return reaching_in($node, $segment) == 0;
}

# How much of a record of the segment before is at its beginning.
sub reaching_in
{
	my ($node, $segment) = @_;
	return unpack 'L', substr slurp(path($node, $segment)), 16, 4;
}

# The first segment of a new timeline begins with pages of the old one, and goes on from what the old one had before it.
sub new_timeline_is_accepted
{
	my ($node) = @_;
	my $kept = scratch('old' . $node->major);
	spew("$kept/$_", slurp(path($node, $_))) for segments_of($node);    # a checkpoint may remove them
	$node->stop;
	$node->recovery('standby', restore_command => 'false');
	$node->start;
	$node->promote;
	$node->sql(q{INSERT INTO filled VALUES (-2, 'on timeline 2')});
	my $segment = $node->switch_wal;
	like($segment, qr/^00000002/, 'a segment of timeline 2');
	my $before = sprintf '00000001%s%08X', substr($segment, 8, 8), hex(substr $segment, 16, 8) - 1;
	my @found = verdicts(run(program('walcheck'), "$kept/$before", path($node, $segment)));
	is($found[0]{verdict}, 'ok', 'the old timeline before it')                 or diag($found[0]{line});
	is($found[1]{verdict}, 'ok', 'is accepted, as what follows')               or diag($found[1]{line});
	is(walcheck($node, $segment)->{verdict}, 'ok', 'and alone');
	is_deeply([ map { $_->{how} } @found ], [ 'switch', 'switch' ], 'to their ends');
	return;
}
