package ForeignScenario;

# A real server whose WAL another tool archives, in one coding after the other; a standby that lives from that archive by walfetch and
# is promoted; a recovery across the promotion. The same for each tool:
#
#   my $self = run_foreign(
#       codings  => [qw(none gz)],
#       command  => sub { my ($node, $coding) = @_; ... },      # the archive_command
#       prepare  => sub { my ($primary) = @_; ... },            # once it runs
#       settle   => sub { ... },                                # moves what was archived to its place; optional
#       location => $path,                                      # of the archive, as walfetch takes it
#   );
#   $self->{files}{NAME};                                       # content of each file that was archived
#   $self->{nodes}{primary};                                    # primary, standby (promoted), recovered; all stopped

use strict;
use warnings;

use Exporter qw(import);
use PgTest ();
use Test::More;
use WalTest;

our @EXPORT = qw(run_foreign);

sub run_foreign
{
	my (%tool) = @_;
	my $self = bless { settle => sub { }, prepare => sub { }, %tool, files => {}, rows => 0 }, __PACKAGE__;
	$self->primary_archives;
	$self->standby_is_promoted;
	$self->recovers;
	$_->{started} && $_->stop for values %{ $self->{nodes} };
	return $self;
}

# With a row in each segment.
sub archive_one
{
	my ($self, $node) = @_;
	$node->sql('INSERT INTO line VALUES (' . ++$self->{rows} . ')');
	my $name = $node->archive_segment;
	$self->remember($node, $name);
	return;
}

sub remember
{
	my ($self, $node, @names) = @_;
	$self->{files}{$_} = slurp($node->data . "/pg_wal/$_") for @names;
	$self->{settle}->();
	return;
}

sub archives_as
{
	my ($self, $node, $coding) = @_;
	my $command = $self->{command}->($node, $coding);
	$node->configure(archive_mode => 'on', archive_command => $command);
	return if !$node->{started};
	$node->reload;
	$node->wait_for(q{SELECT setting FROM pg_settings WHERE name = 'archive_command'}, $command);
	return;
}

sub primary_archives
{
	my ($self) = @_;
	my ($first, @codings) = @{ $self->{codings} };
	my $primary = $self->{nodes}{primary} = PgTest->new('primary', segment_mb => 1)->init;
	$primary->configure(archive_mode => 'on', archive_command => 'false');
	$primary->start;
	$self->{prepare}->($primary);
	$self->archives_as($primary, $first);
	$primary->sql('CREATE TABLE line (number int)');
	eval { $primary->backup(scratch() . '/backup') } or die $@, $primary->log_tail;
	$self->archive_one($primary);
	my ($backup) = map { m{([^/]+\.backup)\.done$} } glob $primary->data . '/pg_wal/archive_status/*.backup.done';
	$self->remember($primary, $backup);
	for my $coding (@codings)
	{
		$self->archives_as($primary, $coding);
		$self->archive_one($primary) for 1, 2;
	}
	is($self->wrong, '', 'walfetch brings back what the other tool has archived, in each coding');
	return;
}

# What does not come back as it was.
sub wrong
{
	my ($self, $location) = @_;
	my @wrong;
	for my $name (sort keys %{ $self->{files} })
	{
		my $run = run('walfetch', $location // $self->{location}, $name, '-');
		push @wrong, "$name: exit code $run->{code}: $run->{err}" if $run->{code} != 0 || $run->{out} ne $self->{files}{$name};
	}
	return join "\n", @wrong;
}

sub node_from_backup
{
	my ($self, $name) = @_;
	return $self->{nodes}{$name} = PgTest->from_backup($name, scratch() . '/backup', segment_mb => 1);
}

sub standby_is_promoted
{
	my ($self) = @_;
	my $primary = $self->{nodes}{primary};
	my $standby = $self->node_from_backup('standby');
	$standby->follow(archive => $self->{location}, primary => $primary);
	$self->archives_as($standby, $self->{codings}[-1]);
	$standby->start;
	$primary->wait_for('SELECT state FROM pg_stat_replication', 'streaming');
	like($standby->log_text, qr/restored log file "00000001/, 'a standby takes its WAL from there, as far as it goes');
	my $partial = $primary->segment . '.partial';
	$primary->sql('INSERT INTO line VALUES (' . ++$self->{rows} . ')');
	$standby->wait_replayed($primary->lsn);
	$primary->crash;
	$standby->promote;
	for my $name ('00000002.history', $partial)
	{
		$standby->wait_archived($name);
		$self->remember($standby, $name);
	}
	$self->archive_one($standby) for 1, 2;
	is($self->wrong, '', 'also what came of the promotion');
	return;
}

sub recovers
{
	my ($self) = @_;
	my $node = $self->node_from_backup('recovered');
	$node->recover(archive => $self->{location});
	$node->configure(archive_mode => 'off');
	$node->start;
	$node->wait_writable;
	is($node->sql(q{SELECT string_agg(number::text, ' ' ORDER BY number) FROM line}), join(' ', 1 .. $self->{rows}),
		'a recovery from a base backup has every row, across the promotion');
	is($node->timeline, 3, '... on a timeline of its own');
	my $list = run('wallist', $self->{location})->{out};
	like($list, qr/^Timeline 2, forked from timeline 1 at /m, '... and wallist shows it') or diag($list);
	like($list, qr/gaps +none/, '... without a gap');
	unlike($node->log_text, qr/^walfetch: /m, '... and walfetch had nothing to complain of') or diag($node->log_tail);
	return;
}

1;
