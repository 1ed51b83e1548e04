package BenchArchiver;

# Archives and fetches WAL files as PostgreSQL does: one `sh -c` a segment, in the data directory, each waited for and timed.
#
#   my $archiver = BenchArchiver->new(data => $data, network => ['nsenter', ...]);
#   $archiver->archive($candidate, \@segments, a => "$archives/walpush");
#   $archiver->fetch($candidate, \@segments, a => "$archives/walpush");
#
# A candidate is a hash. Its {command} has %p for the segment's path and %f for its name, as archive_command has, and a letter
# for each value that is given. {finish} is a command that ends what the others leave running; it is not timed. What was measured
# is added to the candidate: {wall}, a list of milliseconds, one a command; {cpu}, a list of seconds, one a call of archive or
# fetch; {memory}, the largest resident set of a process in MiB.

use strict;
use warnings;

use BenchShell;
use File::Compare qw(compare);
use File::Path qw(remove_tree);
use IPC::Open2 qw(open2);
use List::Util qw(max);

my $stopwatch;    # the one that runs: pid, commands, results
my $owner = $$;

END
{
	local $?;
	stop_stopwatch() if defined $stopwatch && $$ == $owner;
}

# Options: data (the data directory), network (a command in front of what shall run in another network).
sub new
{
	my ($class, %option) = @_;
	return bless { network => [], %option }, $class;
}

# Archives the segments; dies when a command fails. All of them are ready from the beginning: a backlog.
sub archive
{
	my ($self, $candidate, $segments, %values) = @_;
	$self->mark_ready(@$segments);
	$self->measure($candidate, [ map { { %values, f => $_, p => "pg_wal/$_" } } @$segments ], sub { $self->mark_done($_[0]) });
	return;
}

# Fetches the segments; dies when a command fails or brings something else.
sub fetch
{
	my ($self, $candidate, $segments, %values) = @_;
	my $destination = 'pg_wal/RECOVERYXLOG';
	my $check       = sub {
		my ($segment) = @_;
		compare("$self->{data}/$destination", "$self->{data}/pg_wal/$segment") == 0 or die "it brought something else for $segment\n";
		unlink "$self->{data}/$destination" or fail("unlink: $!");
	};
	$self->measure($candidate, [ map { { %values, f => $_, p => $destination } } @$segments ], $check);
	return;
}

# Puts the values into a command: %a stands for the value named a.
sub expand
{
	my ($command, %value) = @_;
	return $command =~ s/%([a-z])/$value{$1} \/\/ "%$1"/ger;
}

# One command for each set of values; `after` is called after each, outside of what is timed.
sub measure
{
	my ($self, $candidate, $calls, $after) = @_;
	$self->start_stopwatch;
	eval
	{
		for my $values (@$calls)
		{
			push @{ $candidate->{wall} }, run(expand($candidate->{command}, %$values));
			$after->($values->{f});
		}
		run($candidate->{finish}) if $candidate->{finish};
		close $stopwatch->{commands};
		my ($cpu, $memory) = answer('what was left behind');
		push @{ $candidate->{cpu} }, $cpu;
		$candidate->{memory} = max($memory, $candidate->{memory} // 0);
		1;
	} or do
	{
		my $reason = $@;
		stop_stopwatch();
		die $reason;
	};
	stop_stopwatch();
	return;
}

# ---- stopwatch.c, which scripts/bench has compiled

sub start_stopwatch
{
	my ($self) = @_;
	my $start = join ' ', 'exec', @{ $self->{network} }, $ENV{BENCH_STOPWATCH};
	my $pid = open2(my $results, my $commands, "cd '$self->{data}' && $start 2>'" . scratch('stderr') . q('));
	$stopwatch = { pid => $pid, results => $results, commands => $commands };
	return;
}

# It ends by itself when it has answered for all, and takes what the commands have left behind with it when it has not.
sub stop_stopwatch
{
	my $pid = $stopwatch->{pid};
	undef $stopwatch;
	kill 'TERM', $pid;
	waitpid $pid, 0;
	return;
}

# The milliseconds that a command takes.
sub run
{
	my ($command) = @_;
	print { $stopwatch->{commands} } "$command\n";
	$stopwatch->{commands}->flush;
	my ($status, $wall) = answer($command);
	die failure($command, $status) if $status != 0;
	return $wall;
}

sub answer
{
	my ($what) = @_;
	my $line = readline $stopwatch->{results};
	return split ' ', $line // die "the stopwatch ended: $what\n";
}

sub failure
{
	my ($command, $status) = @_;
	my $said = (split /\n/, read_file(scratch('stderr')))[-1] // '';
	return sprintf "status %d of: %s: %s\n", $status, $command, $said;
}

# ---- what PostgreSQL does: the archiver looks for .ready and makes it .done

sub mark_ready
{
	my ($self, @segments) = @_;
	my $status = "$self->{data}/pg_wal/archive_status";
	remove_tree($status, { keep_root => 1 });
	write_file("$status/$_.ready", '') for @segments;
	return;
}

sub mark_done
{
	my ($self, $segment) = @_;
	my $status = "$self->{data}/pg_wal/archive_status";
	rename "$status/$segment.ready", "$status/$segment.done" or fail("rename: $!");
	return;
}

1;
