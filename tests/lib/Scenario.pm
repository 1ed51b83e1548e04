package Scenario;

# The main job with a real PostgreSQL, the same for each major and each kind of archive: archive, hot standby, catching up from
# the archive alone, pruning, promotion, point-in-time recovery. Each scenario_*.t runs it once.
#
#   use PgTest major => 12;
#   use Scenario;
#   run_scenario(segment_mb => 1);                                  # the archive is a directory
#   run_scenario(archive => BucketArchive->new('archive'));         # another kind: see DirectoryArchive

use strict;
use warnings;

use DirectoryArchive ();
use Exporter qw(import);
use PgTest ();
use Test::More;
use WalTest;

our @EXPORT = qw(run_scenario);

# Options: archive, segment_mb. The members: archive, size (of a segment), primary, standby, follower (a standby that has
# nothing but the archive), ...
sub run_scenario
{
	my (%option) = @_;
	my $archive = $option{archive} // DirectoryArchive->new('archive');
	my $self = bless { archive => $archive, size => ($option{segment_mb} // 16) << 20, option => \%option }, __PACKAGE__;
	note "segments of $option{segment_mb} MB" if $option{segment_mb};
	for my $step (
		qw(primary_archives base_backup_of_primary standby_streams standby_catches_up_from_archive
		follower_has_the_archive_alone standby_prunes standby_is_promoted follower_changes_timeline base_backup_of_standby
		recovers_to_a_time recovers_to_a_restore_point)
	  )
	{
		note $step =~ tr/_/ /r;
		$self->$step;
	}
	done_testing();
	return;
}

sub node { my ($self, $name) = @_; return PgTest->new($name, segment_mb => $self->{option}{segment_mb}) }

sub node_from
{
	my ($self, $name, $backup) = @_;
	return PgTest->from_backup($name, $backup, segment_mb => $self->{option}{segment_mb});
}

# ---- what is in the archive

# The names of all files in the archive, without the coding's suffix.
sub archived { my ($self) = @_; return map { m{^([^/]+)\.zst$} } $self->{archive}->objects }

# Exactly the bytes that the server has, to be had with nothing but zstd.
sub is_identical
{
	my ($self, $node, $name) = @_;
	my $object   = run({ stdin => $self->{archive}->content("$name.zst") }, 'zstd', '-q', '-dc');
	my $original = slurp($node->data . "/pg_wal/$name");
	is($object->{code}, 0, "zstd reads $name") or diag($object->{err});
	ok($object->{out} eq $original, "$name in the archive is what the server wrote");
	return;
}

sub nothing_failed
{
	my ($self, $node) = @_;
	is($node->archive_failures, 0, $node->name . ': archive_command never failed') or diag($node->log_tail);
	return;
}

# ---- the steps

sub primary_archives
{
	my ($self) = @_;
	my $primary = $self->{primary} = $self->node('primary')->init;
	$primary->archive_to($self->{archive})->start;
	$primary->pgbench('-i', '-q');
	$primary->sql('CREATE TABLE line (what text)', q{INSERT INTO line VALUES ('before backup')});
	my $segment = $primary->archive_segment;
	is(length slurp($primary->data . "/pg_wal/$segment"), $self->{size}, 'segments have the size asked for');
	$self->is_identical($primary, $segment);
	ok((grep { $_ eq '.waltools/archive' } $self->{archive}->objects), 'the archive has an identity');
	return;
}

sub base_backup_of_primary
{
	my ($self) = @_;
	$self->{backup} = $self->{primary}->backup(scratch() . '/backup1');
	my ($name) = grep { /\.backup$/ } $self->archived;
	like($name, qr/^[0-9A-F]{24}\.[0-9A-F]{8}\.backup$/, 'the backup history file is archived');
	$self->is_identical($self->{primary}, $name);
	return;
}

sub standby_streams
{
	my ($self) = @_;
	my ($primary, $archive) = @$self{qw(primary archive)};
	my $standby = $self->{standby} = $self->node_from('standby', $self->{backup});
	$self->{pruned} = scratch() . '/pruned';
	$standby->follow(
		archive => $archive,
		primary => $primary,
		cleanup => "echo %r >>'$self->{pruned}' && " . PgTest::command('walclean', $archive, [], '%r'),
	);
	$standby->start;
	$primary->wait_for(q{SELECT state FROM pg_stat_replication}, 'streaming');
	$primary->sql(q{INSERT INTO line VALUES ('streamed')});
	$standby->wait_for('SELECT * FROM line', "before backup\nstreamed");
	pass('the standby streams what is not archived yet');
	return;
}

sub standby_catches_up_from_archive
{
	my ($self) = @_;
	my ($primary, $standby) = @$self{qw(primary standby)};
	$primary->allow_replication(0);
	$primary->wait_for('SELECT count(*) FROM pg_stat_replication', 0);
	my $log = $standby->log_mark;

	$primary->pgbench('-n', '-t', '100');
	my $first = $primary->archive_segment;
	$primary->sql(q{INSERT INTO line VALUES ('from the archive')});
	my $last = $primary->archive_segment;

	$standby->wait_for(q{SELECT count(*) FROM line WHERE what = 'from the archive'}, 1);
	is($standby->sql('SELECT count(*) FROM pgbench_history'), 100, 'all transactions came through the archive');
	is($primary->sql('SELECT count(*) FROM pg_stat_replication'), 0, 'nothing was streamed');
	like($log->(), qr/restored log file "$_" from archive/, "the standby restored $_") for $first, $last;
	return;
}

# A second standby, which never hears of the primary but through the archive.
sub follower_has_the_archive_alone
{
	my ($self) = @_;
	my $follower = $self->{follower} = $self->node_from('follower', $self->{backup});
	$follower->follow(archive => $self->{archive});
	$follower->start;
	$follower->wait_for(q{SELECT count(*) FROM line WHERE what = 'from the archive'}, 1);
	is($follower->sql('SELECT pg_is_in_recovery()'), 't', 'a standby with nothing but the archive can be read');
	is($follower->sql('SELECT count(*) FROM pg_stat_wal_receiver'), 0, 'and streams nothing');
	return;
}

# The restart point at the second checkpoint lets go of what is before the first.
sub standby_prunes
{
	my ($self) = @_;
	my ($primary, $standby) = @$self{qw(primary standby)};
	$primary->sql('CHECKPOINT', q{INSERT INTO line VALUES ('after checkpoint')});
	$primary->archive_segment;
	$standby->wait_for(q{SELECT count(*) FROM line WHERE what = 'after checkpoint'}, 1);
	my @before = $self->archived;
	$standby->sql('CHECKPOINT');

	ok(wait_until { -s $self->{pruned} }, 'a restart point calls archive_cleanup_command') or diag($standby->log_tail);
	my ($oldest_kept) = reverse split /\n/, slurp($self->{pruned});
	my $segment = qr/^[0-9A-F]{24}$/;
	my @goes  = sort grep { /$segment/ && $_ lt $oldest_kept } @before;
	my @stays = sort grep { !/$segment/ || $_ ge $oldest_kept } @before;
	cmp_ok(scalar @goes, '>', 1, 'there is something to prune');
	wait_until { my %there = map { $_ => 1 } $self->archived; !grep { $there{$_} } @goes };
	is_deeply([ sort grep { $_ le $before[-1] } $self->archived ], \@stays, "walclean left $oldest_kept and later")
	  or diag($standby->log_tail);
	unlike($standby->log_text, qr/archive_cleanup_command/, 'PostgreSQL had nothing to warn of');
	return;
}

# The primary dies with a segment that is not archived, but was streamed.
sub standby_is_promoted
{
	my ($self) = @_;
	my ($primary, $standby, $archive) = @$self{qw(primary standby archive)};
	$primary->allow_replication(1);
	$primary->wait_for(q{SELECT state FROM pg_stat_replication}, 'streaming');
	$primary->sql(q{INSERT INTO line VALUES ('last of the primary')});
	$standby->wait_replayed($primary->lsn);
	my $partial = $primary->segment . '.partial';
	$self->nothing_failed($primary);
	$primary->crash;

	$standby->promote;
	is($standby->timeline, 2, 'promotion begins timeline 2');
	is($standby->sql(q{SELECT count(*) FROM line WHERE what = 'last of the primary'}), 1, 'no transaction is lost');
	$standby->wait_archived($_) for '00000002.history', $partial;
	$self->is_identical($standby, '00000002.history');
	$self->is_identical($standby, $partial);
	$standby->sql(q{INSERT INTO line VALUES ('on timeline 2')});
	my $segment = $standby->archive_segment;
	like($segment, qr/^00000002/, 'segments are of timeline 2');
	$self->is_identical($standby, $segment);
	$self->nothing_failed($standby);
	return;
}

sub follower_changes_timeline
{
	my ($self) = @_;
	my $follower = $self->{follower};
	$follower->wait_for(q{SELECT count(*) FROM line WHERE what = 'on timeline 2'}, 1);
	is($follower->sql('SELECT pg_is_in_recovery()'), 't', 'the other standby follows the new timeline');
	$follower->stop;
	return;
}

# Two pairs of transactions; recoveries end between the first and the second of each.
sub base_backup_of_standby
{
	my ($self) = @_;
	my $standby = $self->{standby};
	$self->{backup} = $standby->backup(scratch() . '/backup2');
	$standby->sql('TRUNCATE line', q{INSERT INTO line VALUES ('before the time')});
	$self->{time} = $standby->sql('SELECT clock_timestamp()');
	$standby->sql(q{INSERT INTO line VALUES ('after the time')});
	$standby->archive_segment;
	$standby->sql(q{SELECT pg_create_restore_point('here')});
	$standby->sql(q{INSERT INTO line VALUES ('after the restore point')});
	$standby->archive_segment;
	return;
}

# The archive's newest timeline is 2.
sub recovers_to_a_time
{
	my ($self) = @_;
	$self->recovers('timed', 3, { recovery_target_time => $self->{time} }, ['before the time']);
	return;
}

# By now 3 is taken, although the target is on 2: the new timeline must be 4.
sub recovers_to_a_restore_point
{
	my ($self) = @_;
	my %target = (recovery_target_name => 'here', recovery_target_timeline => 2);
	$self->recovers('named', 4, \%target, [ 'before the time', 'after the time' ]);
	return;
}

sub recovers
{
	my ($self, $name, $timeline, $target, $lines) = @_;
	my $node = $self->node_from($name, $self->{backup});
	$node->recover(archive => $self->{archive}, %$target);
	$node->start;
	$node->wait_writable;
	is($node->sql('SELECT * FROM line'), join("\n", @$lines), "$name: exactly the transactions before the target");
	ok(!-e $node->signal_file, "$name: recovery has ended");
	is($node->timeline, $timeline, "$name: on timeline $timeline");

	$node->sql(qq{INSERT INTO line VALUES ('on timeline $timeline')});
	my $segment = $node->archive_segment;
	my $history = sprintf '%08X.history', $timeline;
	$node->wait_archived($history);
	$self->is_identical($node, $_) for $history, $segment;
	$self->nothing_failed($node);
	$node->stop;
	return;
}

1;
