package VerifyScenario;

# walverify over WAL that real servers have written: a base backup, two promotions from one parent, partials, a record longer than
# a segment; then with a segment missing, and with one damaged. The same for each kind of archive.
#
#   use PgTest major => 15;
#   use VerifyScenario;
#   my $scenario = VerifyScenario->new(archive => DirectoryArchive->new('archive'));
#   $scenario->everything;

use strict;
use warnings;

use JSON::PP ();
use PgTest ();
use Test::More;
use WalTest;

use constant SEGMENT_MB => 1;

# Options: archive, see DirectoryArchive. Makes the WAL.
sub new
{
	my ($class, %option) = @_;
	my $self = bless { archive => $option{archive} }, $class;
	$self->primary_writes;
	$self->two_are_promoted;
	$_->stop('immediate') for @$self{qw(one other)};
	return $self;
}

sub everything
{
	my ($self) = @_;
	$self->whole($_) for [], ['--quick'], ['--deep'];
	$self->until_the_last_commit;
	$self->missing;
	$self->damaged;
	done_testing();
	return;
}

# ---- the servers

sub primary_writes
{
	my ($self) = @_;
	my $primary = $self->{primary} = PgTest->new('primary', segment_mb => SEGMENT_MB)->init;
	$primary->archive_to($self->{archive})->start;
	$primary->sql('CREATE TABLE line (what text)');
	$self->{backup} = $primary->backup(scratch() . '/backup');
	for my $name (qw(one other))
	{
		my $standby = $self->{$name} = PgTest->from_backup($name, $self->{backup}, segment_mb => SEGMENT_MB);
		$standby->follow(archive => $self->{archive}, primary => $primary);
		$standby->configure(recovery_target_timeline => 'current') if $name eq 'other';
		$standby->start;
	}
	$primary->sql(q{INSERT INTO line SELECT md5(n::text) FROM generate_series(1, 20000) n});
	$self->{middle} = $primary->archive_segment;
	$primary->sql(q{SELECT 1 FROM pg_logical_emit_message(false, 'test', repeat('long', 700000))},
		q{INSERT INTO line SELECT md5(n::text) FROM generate_series(1, 20000) n});
	$primary->archive_segment;
	$primary->sql(q{INSERT INTO line VALUES ('in a segment that is not archived')});
	$self->{$_}->wait_replayed($primary->lsn) for qw(one other);
	$primary->stop('immediate');
	return;
}

sub two_are_promoted
{
	my ($self) = @_;
	for my $name (qw(one other))
	{
		my $node = $self->{$name};
		$node->promote;
		$node->sql(q{INSERT INTO line SELECT md5(n::text) FROM generate_series(1, 20000) n});
		$node->archive_segment;
		my $timeline = $node->timeline;
		$self->{began}{$timeline} = time;
		$node->sql(q{INSERT INTO line VALUES ('the last one')});
		$self->{ended}{$timeline} = time;
		$self->{last}{$timeline} = $node->archive_segment;
	}
	return;
}

# ---- what walverify says

sub verify
{
	my ($self, $archive, @options) = @_;
	my $run = run({ env => $archive->environment }, 'walverify', '--json', @options, $archive->options, $archive->location);
	my $found = eval { JSON::PP::decode_json($run->{out}) } // {};
	ok($run->{err} eq '' && %$found, "walverify @options answers") or diag("$run->{code} $run->{err}$run->{out}");
	return { %$found, code => $run->{code} };
}

sub whole
{
	my ($self, $options) = @_;
	my $found = $self->verify($self->{archive}, @$options);
	my $what = "@$options" || 'the default';
	is($found->{code}, 0, "$what: exit code 0");
	is_deeply([ map { $_->{first} } @{ $found->{gaps} } ], [], "$what: no gap");
	is_deeply([ map { "$_->{object}: $_->{problem}" } @{ $found->{damaged} } ], [], "$what: no damage");
	my %ends = map { $_->{timeline} => $_->{last_segment} } @{ $found->{recoverable} };
	is_deeply([ sort keys %ends ], [ 1, 2, 3 ], "$what: the backup leads to all timelines");
	is($ends{$_}, $self->{last}{$_}, "$what: to the end of timeline $_") for 2, 3;
	cmp_ok($found->{checked}{records}, '>', 50_000, 'records were looked at') if $what eq '--deep';
	return;
}

sub until_the_last_commit
{
	my ($self) = @_;
	my $found = $self->verify($self->{archive});
	for my $recovery (grep { $_->{timeline} > 1 } @{ $found->{recoverable} })
	{
		my $timeline = $recovery->{timeline};
		is($recovery->{until_is}, 'commit', "timeline $timeline: the end is a transaction's");
		my ($began, $ended) = map { stamp($self->{$_}{$timeline}) } qw(began ended);
		ok($recovery->{until} ge $began && $recovery->{until} le $ended, 'the last one')
		  or diag("$recovery->{until}, not from $began to $ended");
	}
	return;
}

sub stamp
{
	my ($second, $minute, $hour, $day, $month, $year) = gmtime $_[0];
	return sprintf '%04d-%02d-%02dT%02d:%02d:%02dZ', $year + 1900, $month + 1, $day, $hour, $minute, $second;
}

sub missing
{
	my ($self) = @_;
	my $archive = $self->{archive}->copy('missing', 'hole');
	$archive->befall('hole', $self->{middle});
	for my $options (['--quick'], [])
	{
		my $found = $self->verify($archive, @$options);
		is($found->{code}, 1, "@$options a missing segment: exit code 1");
		is_deeply([ map { "$_->{first} $_->{last}" } @{ $found->{gaps} } ], ["$self->{middle} $self->{middle}"], 'it is the gap');
		like("@{ $found->{gaps}[0]{ends} }", qr/^\S+\.backup$/, 'the backup ends before it');
		is($found->{gaps}[0]{reached_behind}, undef, 'no backup reaches what is behind it');
	}
	$archive->set_right('hole', $self->{middle});
	return;
}

sub damaged
{
	my ($self) = @_;
	my $archive = $self->{archive}->copy('damaged', 'damaged');
	$archive->befall('damaged', $self->{middle});
	is($self->verify($archive, '--quick')->{code}, 0, 'a damaged segment: names do not tell');
	my $found = $self->verify($archive);
	is($found->{code}, 1, 'contents do: exit code 1');
	is_deeply([ map { $_->{name} } @{ $found->{damaged} } ], [ $self->{middle} ], 'which it is');
	ok($found->{damaged}[0]{only_copy}, 'there is no other');
	is(scalar(grep { $_->{timeline} > 1 } @{ $found->{recoverable} }), 0, 'recovery ends before it');
	$archive->set_right('damaged', $self->{middle});
	return;
}

1;
