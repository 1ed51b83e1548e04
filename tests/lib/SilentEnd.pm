package SilentEnd;

# A recovery must not end because a file could not be had: PostgreSQL takes any exit code of restore_command from 1 to 125 for the
# end of the archive, and promotes. Each silent_end_*.t runs all of this with one major.
#
#   test_silent_end(12);                                                  # the archive is a directory
#   test_silent_end(15, archive => BucketArchive->new('archive'));        # another kind: see DirectoryArchive
#
# restore_command is a script around walfetch that strikes at a moment known in advance, before a given file is asked for: it
# sends the test a signal and waits until the test has done to the archive what was planned.

use strict;
use warnings;

use DirectoryArchive ();
use Exporter qw(import);
use PgTest ();
use Test::More;
use Time::HiRes ();
use WalTest;

our @EXPORT = qw(test_silent_end);

my @lines;
my %home;       # where things are that all tests share: backup, archive (never touched), segment => [names]
my @nodes;
my $segment_mb;

# Options: archive.
sub test_silent_end
{
	my ($major, %option) = @_;
	$segment_mb = $major >= 11 ? 1 : 16;
	$home{archive} = $option{archive} // DirectoryArchive->new('archive');
	my @plights = $home{archive}->plights;
	@lines = map { "line $_" } 1 .. 4 + @plights;
	local $SIG{USR1} = \&strike;
	make_archive();
	recovery_stops($_) for @plights;
	next_history_out_of_reach();
	parents_history_out_of_reach();
	stops_while_it_waits();
	standby_survives(@plights);
	standby_is_promoted_without_archive();
	done_testing();
	return;
}

# ---- what they all start from

# One line of the table `line` for each segment.
sub make_archive
{
	my $primary = PgTest->new('primary', segment_mb => $segment_mb)->init;
	$primary->archive_to($home{archive})->start;
	$primary->sql('CREATE TABLE line (what text)');
	$home{backup} = $primary->backup(scratch() . '/backup');
	for my $line (@lines)
	{
		$primary->sql("INSERT INTO line VALUES ('$line')");
		push @{ $home{segment} }, $primary->archive_segment;
	}
	$primary->crash;    # so that nothing more is archived
	return;
}

# A node on a copy of the backup, before a copy of the archive. Options: from, a hash like %home; plans, what befalls the archive
# when its script strikes: MARK => [PLIGHT, SEGMENT]; strike, the lines of the script that say when.
sub new_node
{
	my ($name, %option) = @_;
	my $from = $option{from} // \%home;
	my $node = PgTest->from_backup($name, $from->{backup}, segment_mb => $segment_mb);
	my %plan = %{ $option{plans} // {} };
	$node->{plans}   = \%plan;
	$node->{script}  = scratch("$name.d");
	$node->{archive} = $from->{archive}->copy("$name.archive", map { $_->[0] } values %plan);
	$node->archive_to($node->{archive});
	write_script($node, $option{strike} // '');
	push @nodes, $node;
	return $node;
}

# Patience is short only while something is amiss, or a busy machine would look like an archive out of reach.
sub write_script
{
	my ($node, $when) = @_;
	my $dir = $node->{script};
	my ($usual, $amiss) = map { PgTest::restore_command($node->{archive}, "--timeout=$_") =~ s/%f/\$1/r =~ s/%p/\$2/r } qw(30s 1s);
	spew("$dir/restore", <<"EOT");
in_recovery() { [ -e recovery.signal ] || [ -e standby.signal ] || [ -e recovery.conf ]; }
strike() {
    mkdir "$dir/begun.\$1" 2>>/dev/null || return 0
    until [ -d "$dir/struck.\$1" ]; do kill -USR1 $$ || exit 255; sleep 0.1; done
}
$when
if [ -e "$dir/amiss" ]; then $amiss; else $usual; fi
code=\$?
echo "\$1 \$code" >>"$dir/calls"
exit \$code
EOT
	return;
}

sub script_of { return "sh '$_[0]{script}/restore' %f %p" }

# ---- what befalls their archives

# The handler of the signal; Perl holds back others until it returns. It comes between any two steps of the test, which must not
# notice.
sub strike
{
	local ($?, $!, $@);
	my ($left, $interval) = Time::HiRes::getitimer(Time::HiRes::ITIMER_REAL());    # that of run()
	for my $node (@nodes)
	{
		for my $mark (grep { -d "$node->{script}/begun.$_" && !struck($node, $_) } keys %{ $node->{plans} })
		{
			befall($node, @{ $node->{plans}{$mark} });
			mkdir "$node->{script}/struck.$mark" or die "mkdir: $!";
		}
	}
	Time::HiRes::setitimer(Time::HiRes::ITIMER_REAL(), $left, $interval);
	return;
}

sub struck { my ($node, $mark) = @_; return -d "$node->{script}/struck.$mark" }

sub befall
{
	my ($node, $plight, $segment) = @_;
	$node->{archive}->befall($plight, $segment);
	spew("$node->{script}/amiss", '');
	return;
}

sub set_right
{
	my ($node, $plight, $segment) = @_;
	# In this order: as soon as the archive is right, a standby may go on to where the next plight strikes.
	unlink "$node->{script}/amiss" or die "unlink: $!";
	$node->{archive}->set_right($plight, $segment);
	return;
}

# Strikes before a segment is fetched for the first time; the mark is the plight's name.
sub before_segment
{
	my ($plight, $segment) = @_;
	return qq([ "\$1" != $segment ] || strike $plight\n);
}

# Strikes before the very last call, when the signal file is gone; the mark is `last`.
my @before_last_call = (strike => "in_recovery || strike last\n", plans => { last => ['unreachable'] });

# ---- what is seen of a node

# The exit codes of the calls for a file so far.
sub codes
{
	my ($node, $file) = @_;
	my $calls = "$node->{script}/calls";
	return -e $calls ? slurp($calls) =~ /^\Q$file\E (\d+)$/mg : ();
}

# Waits until the recovery is over, one way or the other; true when the server has stopped.
sub has_stopped
{
	my ($node) = @_;
	wait_until { !$node->is_running || $node->try_sql('SELECT pg_is_in_recovery()') eq 'f' };
	return !$node->is_running && $node->wait_stopped(1);
}

# Neither the server nor its archive, which must be there again.
sub no_new_timeline
{
	my ($node, $timeline) = @_;
	my $history = sprintf '%08X.history', $timeline;
	return !-e $node->data . "/pg_wal/$history" && !grep { $_ eq "$history.zst" } $node->{archive}->objects;
}

sub recovers_all
{
	my ($node, $what, $timeline) = @_;
	$node->start;
	$node->wait_writable;
	is($node->sql('SELECT * FROM line'), join("\n", @lines), "$what: then everything is recovered");
	is($node->timeline, $timeline, "$what: on timeline $timeline");
	ok(!-e $node->signal_file, "$what: and recovery has ended");
	return;
}

# ---- recoveries

# In the middle of the archive.
sub recovery_stops
{
	my ($plight) = @_;
	my $what     = 'recovery, archive ' . $plight =~ tr/_/ /r;
	my $segment  = $home{segment}[3];
	my @plan     = ($plight, $segment);
	my $node     = new_node("pitr_$plight", strike => before_segment(@plan), plans => { $plight => \@plan });
	$node->recover(restore_command => script_of($node));
	$node->try_start;

	ok(has_stopped($node), "$what: the server stops") or diag($node->log_tail);
	ok(struck($node, $plight), "$what: as planned");
	is_deeply([ codes($node, $segment) ], [254], "$what: walfetch exits with 254");
	ok(-e $node->signal_file, "$what: the signal file is kept");
	my $location = $node->{archive}->location;
	like($node->log_text, qr/^walfetch: error: .*(?:$segment|\Q$location\E)/m, "$what: the log says why");
	like($node->log_text, qr/^walfetch: error: .*$segment.*$home{segment}[4]/m, "$what: and names both segments")
	  if $plight eq 'hole';
	$node->stop('immediate') if $node->is_running;

	set_right($node, @plan);
	ok(no_new_timeline($node, 2), "$what: no timeline is begun");
	recovers_all($node, "$what, is back", 2);
	$node->stop('immediate');
	return;
}

# At the end of the archive PostgreSQL asks for the next timeline's history, to know which timelines are taken. The signal file
# is there still.
sub next_history_out_of_reach
{
	my $what = 'recovery, archive unreachable for the next history';
	my $after_last = $home{segment}[-1];
	my $node = new_node('pitr_next', plans => { next => ['unreachable'] }, strike => <<"EOT");
case \$1 in
00000002.history) grep -q '^$after_last 0' "\$(dirname "\$0")/calls" 2>>/dev/null && strike next ;;
esac
EOT
	$node->recover(restore_command => script_of($node));
	$node->try_start;
	ok(has_stopped($node),         "$what: the server stops") or diag($node->log_tail);
	ok(struck($node, 'next'),      "$what: as planned");
	ok(-e $node->signal_file,      "$what: the signal file is kept");
	$node->stop('immediate') if $node->is_running;
	set_right($node, 'unreachable');
	ok(no_new_timeline($node, 2), "$what: no timeline is begun");
	recovers_all($node, "$what, is back", 2);
	$node->stop('immediate');
	return;
}

# The very last call, when the signal file is gone: a server that stopped here would go on on the parent's timeline when it is
# started again. First from timeline 1, whose history never exists; then from 2, whose history does.
sub parents_history_out_of_reach
{
	my $what = 'archive goes away for the very last call';
	my $node = new_node('pitr_last', @before_last_call);
	$node->recover(restore_command => script_of($node));
	stays_on_new_timeline($node, "recovery, $what", 2);

	my %second = (backup => $node->backup(scratch() . '/backup2'), archive => $node->{archive});
	$node->sql(q{INSERT INTO line VALUES ('more')});
	$node->archive_segment;
	$node->crash;
	$node = new_node('pitr_last2', @before_last_call, from => \%second);
	$node->recover(restore_command => script_of($node));
	stays_on_new_timeline($node, "recovery of timeline 2, $what", 3, 'written', 'more');
	my @parents = slurp($node->data . '/pg_wal/00000003.history') =~ /^(\d+)\t/mg;
	is_deeply(\@parents, [ 1, 2 ], 'the new history holds all its parents');
	$node->crash;
	return;
}

# The recovery has ended, or ends at the second start: in no case may the server be writable on its old timeline.
sub stays_on_new_timeline
{
	my ($node, $what, $timeline, @more) = @_;
	if ($node->try_start && wait_until { $node->try_sql('SELECT pg_is_in_recovery()') eq 'f' || !$node->is_running })
	{
		$node->try_sql(q{INSERT INTO line VALUES ('written')});
		push @more, 'written';
	}
	ok(struck($node, 'last'), "$what: as planned");
	ok($node->is_running, "$what: the server runs") or diag($node->log_tail);
	$node->stop('immediate') if $node->is_running;
	set_right($node, 'unreachable');
	$node->start;
	$node->wait_writable;
	is($node->timeline, $timeline, "$what: after a restart the server is on timeline $timeline");
	is($node->sql('SELECT * FROM line'), join("\n", @lines, @more), "$what: and has everything");
	return;
}

# A recovery that waits for its archive, with the long patience that is the default, stops when it is told to.
sub stops_while_it_waits
{
	my $what = 'recovery, archive unreachable from the start';
	my $node = new_node('pitr_waits');
	$node->recover(archive => $node->{archive});
	befall($node, 'unreachable');
	$node->start_without_waiting;
	ok(wait_until { walfetch_runs($node) }, "$what: walfetch waits") or diag($node->log_tail);
	my $started = time;
	$node->stop('fast');
	cmp_ok(time - $started, '<', 10, "$what: but not when the server is stopped");
	ok(-e $node->signal_file, "$what: the signal file is kept");
	my $gone = wait_until { !walfetch_runs($node) } 5;
	ok($gone, "$what: no walfetch is left");
	set_right($node, 'unreachable');
	recovers_all($node, "$what, is back", 2);
	$node->stop('immediate');
	return;
}

sub walfetch_runs
{
	my ($node) = @_;
	my $location = $node->{archive}->location;
	for my $file (glob '/proc/[0-9]*/cmdline')
	{
		my $line = eval { slurp($file) } // next;
		return 1 if $line =~ m{^[^\0]*walfetch\0(?:.*\0)?\Q$location\E\0};
	}
	return 0;
}

# ---- standbys

# One standby meets them all, each at another segment.
sub standby_survives
{
	my @plights = @_;
	my @plan = map { [ $plights[$_], $home{segment}[ $_ + 2 ] ] } 0 .. $#plights;
	my $node = new_node('standby', strike => join('', map { before_segment(@$_) } @plan), plans => { map { $_->[0] => $_ } @plan });
	$node->follow(restore_command => script_of($node));
	$node->start;
	for my $i (0 .. $#plan)
	{
		my ($plight, $segment, $have) = (@{ $plan[$i] }, $i + 2);
		my $what = 'standby, archive ' . $plight =~ tr/_/ /r;
		ok(wait_until { grep({ $_ != 0 } codes($node, $segment)) >= 2 || !$node->is_running }, "$what: walfetch fails")
		  or diag($node->log_tail);
		ok(struck($node, $plight), "$what: as planned");
		is_deeply([ grep { $_ == 0 || $_ > 125 } codes($node, $segment) ], [], "$what: with codes that it survives")
		  or diag(join ' ', codes($node, $segment));
		is($node->try_sql('SELECT * FROM line'), join("\n", @lines[ 0 .. $have - 1 ]), "$what: the server answers")
		  or diag($node->log_tail);
		is($node->try_sql('SELECT pg_is_in_recovery()'), 't', "$what: as a standby");
		set_right($node, $plight, $segment);
		ok(wait_until { $node->try_sql('SELECT count(*) FROM line') > $have }, "$what, is back: it goes on")
		  or diag($node->log_tail);
	}
	$node->wait_for('SELECT count(*) FROM line', scalar @lines);
	is($node->sql('SELECT * FROM line'), join("\n", @lines), 'standby: it caught up with everything');
	$node->promote;
	is($node->timeline, 2, 'standby: and is promoted to timeline 2');
	$node->stop('immediate');
	return;
}

# The very last call once more, of a standby that is promoted.
sub standby_is_promoted_without_archive
{
	my $what = 'standby promoted, archive goes away for the very last call';
	my $node = new_node('standby_last', @before_last_call);
	$node->follow(restore_command => script_of($node));
	$node->start;
	$node->wait_for('SELECT count(*) FROM line', scalar @lines);
	$node->promote;
	stays_on_new_timeline_after_crash($node, $what);
	return;
}

sub stays_on_new_timeline_after_crash
{
	my ($node, $what) = @_;
	ok(struck($node, 'last'), "$what: as planned");
	is($node->timeline, 2, "$what: on timeline 2");
	$node->sql(q{INSERT INTO line VALUES ('written')});
	$node->crash;
	set_right($node, 'unreachable');
	$node->start;
	$node->wait_writable;
	is($node->timeline, 2, "$what: and after a restart");
	is($node->sql('SELECT * FROM line'), join("\n", @lines, 'written'), "$what: with everything");
	$node->crash;
	return;
}

1;
