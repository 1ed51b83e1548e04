# A server that archives to two places, and recovers while one of them is taken away.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";
use PgTest major => 15;
use Test::More;
use WalTest;

package TwoArchives
{
	# As DirectoryArchive, but a section of a configuration file that names two directories.
	sub new
	{
		my ($class) = @_;
		my @places = map { WalTest::scratch($_) } qw(first second);
		my $file = WalTest::spew(WalTest::scratch() . '/waltools.conf', "[main]\n", map { "archive = $_\n" } @places);
		return bless { file => $file, places => \@places }, $class;
	}
	sub location    { return 'main' }
	sub options     { my ($self) = @_; return ("--config=$self->{file}", '--timeout=2s') }
	sub environment { return {} }
	sub places      { my ($self) = @_; return @{ $self->{places} } }
}

my $archive = TwoArchives->new;
my ($first, $second) = $archive->places;

sub objects { my ($place) = @_; return join ' ', map { s{.*/}{}r } glob "$place/*" }
sub take_away  { rename $_, "$_.away" or die "$_: $!" for @_; return }
sub bring_back { rename "$_.away", $_ or die "$_: $!" for @_; return }

# ---- archiving

my $primary = PgTest->new('primary', segment_mb => 1)->init;
$primary->archive_to($archive, options => [$archive->options])->start;
$primary->sql('CREATE TABLE line (number int)');
my $backup = $primary->backup(scratch() . '/backup');

# A row in a segment of its own; the segment's name.
sub add_row
{
	my ($number) = @_;
	$primary->sql("INSERT INTO line VALUES ($number)");
	return $primary->switch_wal;
}

my @segments = map { add_row($_) } 1 .. 3;
$primary->wait_archived($segments[-1]);
is(objects($first), objects($second), 'both get the same');

take_away($second);
push @segments, add_row(4);
$primary->wait_for('SELECT failed_count > 0 FROM pg_stat_archiver', 't');
like($primary->log_text, qr/^walpush: error: \Q$second\E: /m, 'one is away: the log says which');
like(objects($first), qr/$segments[3]/, '... the other has it');
bring_back($second);
$primary->wait_archived($segments[3]);
is(objects($first), objects($second), '... and when it is back it gets what it lacked');
push @segments, add_row(5);
$primary->sql("SELECT pg_create_restore_point('here')");
push @segments, add_row(6);
$primary->wait_archived($segments[-1]);

# ---- recovering

my $nodes = 0;

# A node that takes `place` away when the server asks for this segment.
sub losing
{
	my ($segment, @places) = @_;
	my $node = PgTest->from_backup('node' . ++$nodes, $backup, segment_mb => 1);
	$node->configure(archive_mode => 'off');    # the next one is not to follow its timeline
	my $mark = scratch() . "/lost$nodes";
	my $lose = join ' && ', (map { "mv $_ $_.away" } @places), "touch $mark";
	my $command = "if test %f = $segment && test ! -e $mark; then $lose; fi; " . PgTest::restore_command($archive);
	return ($node, $command);
}

sub rows { my ($node) = @_; return $node->sql('SELECT count(*) FROM line') }

{
	my ($node, $command) = losing($segments[2], $first);
	# Or it would look ahead, to where the WAL ends, which can't be proved now.
	$node->configure(recovery_prefetch => 'off');
	$node->recover(restore_command => $command, recovery_target_name => 'here', recovery_target_action => 'pause')->start;
	$node->wait_for('SELECT pg_get_wal_replay_pause_state()', 'paused');
	is(rows($node), 5, 'a recovery to a point goes on with the second');
	like($node->log_text, qr/^walfetch: warning: \Q$first\E: [^\n]*; took $segments[2] from \Q$second\E/m, '... and says so');
	bring_back($first);
	$node->promote;
	is(rows($node), 5, '... and is promoted when it is known that no timeline is used twice');
	$node->stop;
}

{
	my ($node, $command) = losing($segments[2], $second);
	$node->recover(restore_command => $command)->start_without_waiting;
	ok($node->wait_stopped, 'a recovery to the end stops while one is away: it may have more') or diag($node->log_tail);
	ok(-e $node->signal_file, '... and is not over');
	bring_back($second);
	$node->start;
	$node->wait_writable;
	is(rows($node), 6, '... when it is back, the recovery comes to its end');
	$node->stop;
}

{
	my ($node, $command) = losing($segments[2], $first, $second);
	$node->recover(restore_command => $command)->start_without_waiting;
	ok($node->wait_stopped, 'both are away: the recovery stops');
	like($node->log_text, qr/^walfetch: error: \Q$first\E: .*\Q$second\E: /m, '... both are named');
	ok(-e $node->signal_file, '... and it is not over');
	bring_back($first, $second);
}

{
	my ($node, $command) = losing($segments[2], $first);
	$node->follow(restore_command => $command)->start;
	$node->wait_for('SELECT count(*) FROM line', 6);
	pass('a standby follows by the second');
	my $next = add_row(7);
	$primary->wait_for("SELECT failed_count > 0 FROM pg_stat_archiver", 't');
	$node->wait_for('SELECT count(*) FROM line', 7);
	pass('... and gets what only the second has');
	bring_back($first);
	$primary->wait_archived($next);
	$node->promote;
	is(rows($node), 7, '... and is promoted when both are there');
	$node->stop;
}

done_testing;
