# "Not in the archive" is never a guess: what proves that WAL must have existed, and what does not.

use FindBin;
use lib "$FindBin::Bin/../lib";
use CliTest;

# What a primary whose archiver lagged leaves when a standby takes over: segments 6 to 10 of timeline 1, nothing of 11 to
# 13, the partial and the fork in 14, timeline 2 from 14 on.
my $server = data_directory('server');
my $gap    = scratch('gap');
put($server, '00000002.history', history_text([ 1, 14 * MB + 4000 ]));
succeeds('the archive of a failover', 'walpush', $gap,
	pg_wal($server) . '/00000002.history',
	(map { put_segment($server, number => $_) } 6 .. 10),
	put_segment($server, number => 14, suffix => '.partial', end => 'stale'),
	put_segment($server, number => 14, timeline => 2),
	put_segment($server, number => 15, timeline => 2));
unlink glob pg_wal($server) . '/0*';

sub name_of { return segment_name(number => $_[0], timeline => $_[1] // 1) }

# A copy of the archive without some objects.
my $copies = 0;

sub without
{
	my (@objects) = @_;
	my $copy = scratch('copy' . ++$copies);
	system('cp', '-a', "$gap/.", $copy) == 0 or die;
	unlink map { "$copy/$_.zst" } @objects or die if @objects;
	return $copy;
}

sub fetched
{
	my ($archive, $name, $directory, $destination) = @_;
	return run({ cwd => $directory // $server }, 'walfetch', '--timeout=300ms', $archive, $name, $destination // 'pg_wal/RECOVERYXLOG');
}

# ---- segments

{
	my $partial = '00000001' . substr(name_of(14), 8) . '.partial';
	refuses('a later partial proves that there was WAL', { code => 3, cwd => $server, like => qr/\Q$partial\E/ },
		'walfetch', $gap, name_of(11), 'pg_wal/RECOVERYXLOG');
	my $forked = without($partial);
	refuses('so does the history file of a timeline that forked off later', { code => 3, cwd => $server, like => qr/00000002\.history/ },
		'walfetch', $forked, name_of($_), 'pg_wal/RECOVERYXLOG') for 11, 13;
	is(fetched($forked, name_of(14))->{code}, 1, 'the segment of the fork itself need not be there');
	is(fetched($forked, name_of(15))->{code}, 1, 'nor one behind it');
	is(fetched(without($partial, '00000002.history'), name_of(11))->{code}, 1, 'without either it is the end');
	my $damaged = without($partial);
	spew("$damaged/00000002.history.zst", 'no history');
	isnt(fetched($damaged, name_of(11))->{code}, 1, 'a history file that can not be read proves nothing');
}

# ---- a copy of the server ends in the middle of a segment

{
	my $copy = data_directory('copy');
	my $path = put_segment($copy, number => 11, end => 'zero');
	is(fetched($gap, name_of(11), $copy)->{code}, 3, 'a segment in pg_wal that is cut off fills no hole');
	put_segment($copy, number => 11, end => 'stale');
	is(fetched($gap, name_of(11), $copy)->{code}, 3, '... nor one with the tail of a recycled file');
	put_segment($copy, number => 11, end => 'switch');
	is(fetched($gap, name_of(11), $copy)->{code}, 1, 'a whole one does');
}

# ---- history files

{
	my $lost = without('00000002.history');
	refuses('a history file is missed while its timeline has WAL', { code => 3, cwd => $server, like => qr/00000002\.history.*${\name_of(14, 2)}/ },
		'walfetch', '--timeout=300ms', $lost, '00000002.history', 'pg_wal/RECOVERYHISTORY');
	is(fetched($lost, '00000003.history')->{code}, 1, 'that of an unused timeline is absent');
	put($server, '00000002.history', history_text([ 1, 14 * MB + 4000 ]));
	is(fetched($lost, '00000002.history')->{code}, 1, 'it is not missed when the server has it');
	unlink pg_wal($server) . '/00000002.history';

	# struct ControlFileData: version 1300 at 8, checkPointCopy.ThisTimeLineID at 48; before 11 at 56
	for my $case ([ 1300, 48 ], [ 1100, 48 ], [ 1002, 56 ])
	{
		my ($version, $offset) = @$case;
		my $promoted = data_directory("promoted$version");
		my $control  = pack('Q< L<', SYSID, $version) . "\0" x 8180;
		substr $control, $offset, 4, pack 'L<', 2;
		spew("$promoted/global/pg_control", $control);
		is(fetched($lost, '00000002.history', $promoted)->{code}, 1, "nor when the server is on that timeline, pg_control $version");
	}

	my $other = put($server, '00000002.history', history_text([ 1, 11 * MB + 4000 ]));
	refuses('nor can another server take the timeline', { code => 4, keeps => [$lost], like => qr/another server uses the timeline/ },
		'walpush', $lost, $other);
	unlink $other;
}

# ---- whose working directory

{
	my $recovering = data_directory('recovering');
	spew("$recovering/recovery.signal", '');
	is(fetched($gap, name_of(11), '/', "$recovering/pg_wal/RECOVERYXLOG")->{code}, 254,
		'a wrapper that changes the directory does not end a recovery');
	spew("$recovering/standby.signal", '');
	is(fetched($gap, name_of(11), '/', "$recovering/pg_wal/RECOVERYXLOG")->{code}, 3, '... nor stops a standby');
	my $elsewhere = data_directory('elsewhere');
	spew("$elsewhere/standby.signal", '');
	unlink "$recovering/standby.signal";
	is(fetched($gap, name_of(11), $elsewhere, "$recovering/pg_wal/RECOVERYXLOG")->{code}, 3, 'the working directory comes first');
}

# ---- whose archive

{
	my $other   = data_directory('other', sysid => SYSID + 1);
	my $foreign = scratch('foreign');
	spew("$foreign/" . name_of(6), segment(number => 6));
	for my $archive ($gap, $foreign)
	{
		refuses("another cluster's archive proves nothing", { code => 4, cwd => $other, keeps => [$archive], like => qr/belongs to the cluster/ },
			'walfetch', $archive, name_of(20), 'pg_wal/RECOVERYXLOG');
		refuses("... and is not cleaned", { code => 4, cwd => $other, keeps => [$archive], like => qr/belongs to the cluster/ },
			'walclean', $archive, name_of(20));
	}
	is(fetched($foreign, name_of(20))->{code}, 1, 'its own does');

	spew("$foreign/" . name_of(4) . '.zst', 'damaged');
	spew("$foreign/" . name_of(5), 'damaged');
	refuses('without identity the first segment that can be read tells', { code => 4, cwd => $other, keeps => [$foreign], like => qr/belongs to the cluster/ },
		$_, $foreign, name_of(20), $_ eq 'walfetch' ? 'pg_wal/RECOVERYXLOG' : ()) for qw(walfetch walclean);
	spew("$foreign/" . name_of(6), 'damaged');
	refuses('when none can be read, nothing is proved', { code => 5, cwd => $other, keeps => [$foreign], like => qr/can't tell whose/ },
		$_, $foreign, name_of(20), $_ eq 'walfetch' ? 'pg_wal/RECOVERYXLOG' : ()) for qw(walfetch walclean);

	SKIP:
	{
		skip 'not root', 2 if $> != 0;
		my $owned = data_directory('owned');
		my $new   = scratch('new');
		chown 65534, 65534, "$owned/global/pg_control" or die;
		refuses('root does not make what the server can not write to', { code => 2, cwd => $owned, keeps => [$new], like => qr/user 65534/ },
			'walpush', '--init', $new);
	}
}

done_testing();
