package PgTest;

# PostgreSQL clusters of any major for tests, all in the test's scratch directory, all gone when the test ends.
#
#   use PgTest major => 12;               # skips the test when that major cannot be had; 15 is Debian's, never skipped
#   my $primary = PgTest->new('primary'); # nothing on disk yet
#   $primary->init;
#   $primary->archive_to($archive);
#   $primary->start;
#   $primary->backup($dir);
#   my $standby = PgTest->from_backup('standby', $dir);
#   $standby->follow(archive => $archive, primary => $primary);
#
# Several majors: use PgTest majors => [10, 12]; then have_major(12), and PgTest->new('name', major => 12).
#
# An archive is the path of a directory, or what has the methods of DirectoryArchive.
#
# What a running one can be asked is in PgServer. Started by root, the test runs as the user nobody: see PgStage.

use strict;
use warnings;

use parent 'PgServer';

use DirectoryArchive ();
use PgStage ();
use WalTest;

my $default_major;

# Options: major or majors; programs (names of the tests' own, such as walcheck).
sub import
{
	my ($class, %option) = @_;
	my @majors = @{ $option{majors} // [ $option{major} // 15 ] };
	$default_major = $majors[0];
	return if $^C;    # perl -c
	PgStage::prepare(\@majors, $option{programs} // []);
	no strict 'refs';
	*{ caller() . '::have_major' } = \&PgStage::have_major;
	*{ caller() . '::why_not' }    = \&PgStage::why_not;
	return;
}

# Options: major, segment_mb (size of a WAL segment, from 11 on).
sub new
{
	my ($class, $name, %option) = @_;
	$option{major}      //= $default_major;
	$option{segment_mb} //= 16;
	return $class->SUPER::new($name, %option);
}

sub init
{
	my ($self, @options) = @_;
	push @options, "--wal-segsize=$self->{segment_mb}" if $self->{segment_mb} != 16;
	PgServer::must("$self->{bin}/initdb", '-D', $self->{data}, '-N', '-A', 'trust', '-U', 'postgres', '-E', 'UTF8', '--locale=C',
		@options);
	my $segment_mb = $self->{segment_mb};
	$self->configure(
		listen_addresses            => '',
		shared_buffers              => '8MB',
		max_connections             => 10,
		max_wal_senders             => 4,
		max_worker_processes        => 2,
		wal_level                   => 'replica',
		hot_standby                 => 'on',
		fsync                       => 'off',
		autovacuum                  => 'off',
		checkpoint_timeout          => '1h',
		min_wal_size                => 2 * $segment_mb . 'MB',
		max_wal_size                => 64 * $segment_mb . 'MB',
		wal_retrieve_retry_interval => '200ms',
		log_line_prefix             => '%m [%p] ',
		unix_socket_directories     => PgServer::socket_directory(),
	);
	return $self;
}

# A node on a copy of a base backup.
sub from_backup
{
	my ($class, $name, $backup, %option) = @_;
	my $self = $class->new($name, %option);
	PgServer::must('cp', '-a', '--', $backup, $self->{data});
	return $self;
}

# Appends to postgresql.conf; the last one wins.
sub configure
{
	my ($self, %setting) = @_;
	append("$self->{data}/postgresql.conf", map { "$_ = " . quoted($setting{$_}) . "\n" } sort keys %setting);
	return $self;
}

sub append
{
	my ($path, @lines) = @_;
	open my $out, '>>', $path or die "$path: $!";
	print {$out} @lines;
	close $out or die "$path: $!";
	return;
}

sub quoted
{
	my ($value) = @_;
	$value =~ s/'/''/g;
	return "'$value'";
}

# What the server runs: one of our programs, with what this archive needs.
sub command
{
	my ($program, $archive, $options, @operands) = @_;
	$archive = as_archive($archive);
	return join ' ', map { qq("$_") } program($program), $archive->options, @$options, $archive->location, @operands;
}

sub as_archive { my ($archive) = @_; return ref $archive ? $archive : DirectoryArchive->at($archive) }

# From its next start on the server has what this archive needs in its environment.
sub reach
{
	my ($self, $archive) = @_;
	my $more = as_archive($archive)->environment;
	@{ $self->{environment} }{ keys %$more } = values %$more;
	return $self;
}

# Archives with walpush. Options: mode (on; always), options (of walpush).
sub archive_to
{
	my ($self, $archive, %option) = @_;
	$self->reach($archive);
	return $self->configure(
		archive_mode    => $option{mode} // 'on',
		archive_command => command('walpush', $archive, $option{options} // [], '%p'),
	);
}

sub restore_command
{
	my ($archive, @options) = @_;
	return command('walfetch', $archive, \@options, '%f', '%p');
}

# Makes the node a standby, before its start. Options: archive or restore_command; primary (a node to stream from);
# cleanup (an archive_cleanup_command). Below 12 it is promoted by its trigger file.
sub follow
{
	my ($self, %option) = @_;
	$self->reach($option{archive}) if $option{archive};
	my %setting = (restore_command => $option{restore_command} // restore_command($option{archive}));
	$setting{archive_cleanup_command} = $option{cleanup}           if $option{cleanup};
	$setting{primary_conninfo}        = $option{primary}->conninfo if $option{primary};
	$setting{recovery_target_timeline} = 'latest';
	return $self->recovery('standby', %setting);
}

# Makes the node a point-in-time recovery, before its start. Options: archive or restore_command; any recovery_target_*.
sub recover
{
	my ($self, %option) = @_;
	my $archive = delete $option{archive};
	$self->reach($archive) if $archive;
	$option{restore_command} //= restore_command($archive);
	$option{recovery_target_timeline} //= 'latest';
	$option{recovery_target_action} //= 'promote' if grep { /^recovery_target_(?:name|time|xid|lsn)$/ } keys %option;
	return $self->recovery('recovery', %option);
}

sub recovery
{
	my ($self, $signal, %setting) = @_;
	if ($self->{major} >= 12)
	{
		$self->configure(%setting);
		spew("$self->{data}/$signal.signal", '');
		return $self;
	}
	if ($signal eq 'standby')
	{
		$self->{trigger} = $setting{trigger_file} = scratch() . "/$self->{name}.trigger";
		$setting{standby_mode} = 'on';
	}
	spew($self->signal_file, map { "$_ = " . quoted($setting{$_}) . "\n" } sort keys %setting);
	return $self;
}

# The file that says that this cluster recovers: gone when the recovery has ended.
sub signal_file
{
	my ($self) = @_;
	return "$self->{data}/recovery.conf" if $self->{major} < 12;
	return (grep { -e } map { "$self->{data}/$_.signal" } qw(standby recovery))[0] // "$self->{data}/recovery.signal";
}

# Ends or begins what others may stream from this node.
sub allow_replication
{
	my ($self, $allowed) = @_;
	my $method = $allowed ? 'trust' : 'reject';
	spew("$self->{data}/pg_hba.conf", "local all all trust\nlocal replication all $method\n");
	$self->reload;
	$self->sql('SELECT pg_terminate_backend(pid) FROM pg_stat_replication') unless $allowed;
	return;
}

# ---- a copy of it

# A base backup into a directory, by the low-level functions, which are the same idea in every major (pg_basebackup 15 refuses
# servers newer than itself). Comes back when PostgreSQL says that all its WAL is archived.
sub backup
{
	my ($self, $to) = @_;
	my ($begin, $end) =
	  $self->{major} >= 15
	  ? ("pg_backup_start('backup', true)", 'pg_backup_stop(true)')
	  : ("pg_start_backup('backup', true, false)", 'pg_stop_backup(false, true)');
	mkdir $to, 0700 or die "$to: $!";
	my @left_out = map { "--exclude=./$_" } qw(pg_wal/* pg_replslot/* postmaster.pid postmaster.opts);
	my $copy = "tar -C '$self->{data}' @left_out -cf - . | tar -C '$to' -xf -";
	PgServer::must({ stdin => <<"EOT" }, $self->psql);
SELECT $begin;
\\! $copy
\\o $to/backup_label
SELECT labelfile FROM $end;
EOT
	mkdir "$to/pg_wal/archive_status", 0700;
	-s "$to/backup_label" or die "no backup_label in $to";
	return $to;
}

1;
