# walverify of a section that names several archives: each is verified, and they are compared.

use FindBin;
use lib "$FindBin::Bin/../lib";
use CliTest;
use JSON::PP;

my $server = data_directory('server');
my ($one, $two) = map { scratch($_) } qw(one two);
my $conf = spew(scratch() . '/waltools.conf', "[main]\narchive = $one\narchive = $two\n");
my %conf = (env => { WALTOOLS_CONFIG => $conf });

sub name { return segment_name(number => $_[0]) }

sub object { my ($archive, $name) = @_; return (glob "$archive/$name*")[0] }

# All documents that walverify --json writes.
sub verified
{
	my @options = @_;
	my $run = run(\%conf, 'walverify', '--json', @options, 'main');
	my @documents;
	my $json = JSON::PP->new;
	eval { push @documents, $json->incr_parse($run->{out}); 1 } or diag($@);
	return ($run->{code}, @documents);
}

{
	my @files = map { put_segment($server, number => $_) } 1 .. 12;
	my $run = run(\%conf, 'walpush', 'main', @files, put($server, '00000002.history', history_text([ 1, 13 * MB ])));
	is($run->{code}, 0, 'two archives are filled') or diag($run->{err});
}

subtest 'the same' => sub {
	my $run = run(\%conf, 'walverify', 'main');
	is($run->{code}, 0, 'exit code 0') or diag($run->{err});
	like($run->{out}, qr/^\Q$_\E: cluster/m, "$_ is verified") for $one, $two;
	like($run->{out}, qr/^2 archives side by side: 13 files, the content of 13 compared\nthe same\n\z/m, 'and compared');
	is(run(\%conf, 'walverify', '--quiet', 'main')->{out}, '', '--quiet says nothing');
	my ($code, @documents) = verified('--quick');
	is(scalar @documents, 3, 'as JSON: a document for each, and one for both');
	is_deeply([ map { $_->{archive} } @documents[ 0, 1 ] ], [ $one, $two ], 'in order');
	ok($documents[2]{same}, 'the same');
	is($documents[2]{compared}, 0, '--quick compares no content');
};

subtest 'one lacks something' => sub {
	my @gone = map { object($two, name($_)) } 5 .. 7, 12;
	my %kept = map { $_ => slurp($_) } @gone, object($two, '00000002.history');
	unlink keys %kept;
	my ($code, @documents) = verified();
	is($code, 1, 'exit code 1');
	ok($documents[0]{whole} && !$documents[1]{whole}, 'the gap is in the second');
	is_deeply(
		[ map { [ @$_{qw(archive first last files)} ] } @{ $documents[2]{lacks} } ],
		[ [ $two, name(5), name(7), 3 ], [ $two, name(12), name(12), 1 ], [ $two, '00000002.history', '00000002.history', 1 ] ],
		'what it lacks');
	like(run(\%conf, 'walverify', '--quick', 'main')->{out},
		qr/^  \Q$two\E lacks @{[ name(5) ]} to @{[ name(7) ]}, 3 segments\n.*^not the same: 5 lacking, which walpush --repair main would copy$/ms, 'in words');
	spew($_, $kept{$_}) for keys %kept;
};

subtest 'what was removed from the front' => sub {
	succeeds('walclean', 'walclean', $two, name(4));
	my ($code, @documents) = verified();
	is($code, 0, 'is not lacking');
	unlink(my $gone = object($two, name(4)));
	(undef, @documents) = verified('--quick');
	ok($documents[2]{same}, 'nor is what is now in front of it');
};

subtest 'all was lost' => sub {
	my %kept = map { $_ => slurp($_) } glob "$two/0*";
	unlink keys %kept;
	my ($code, @documents) = verified('--quick');
	is($code, 1, 'exit code 1');
	is_deeply([ map { [ @$_{qw(archive first last)} ] } grep { $_->{first} !~ /history/ } @{ $documents[2]{lacks} } ],
		[ [ $two, name(1), name(12) ] ], 'an archive without a segment lacks every one');
	spew($_, $kept{$_}) for keys %kept;
};

subtest 'other content' => sub {
	my $other = data_directory('clone');
	my $stray = scratch('stray');
	my $file  = put_segment($other, number => 9, seed => 77);
	is(run('walpush', '--init', $stray, $file)->{code}, 0, 'a clone has pushed');
	my $path = object($two, name(9));
	my $kept = slurp($path);
	spew($path, slurp(object($stray, name(9))));
	my ($code, @documents) = verified();
	is($code, 1, 'exit code 1');
	ok($documents[0]{whole} && $documents[1]{whole}, 'each is whole by itself');
	is_deeply([ map { $_->{name} } @{ $documents[2]{differences} } ], [ name(9) ], 'they differ');
	like($documents[2]{differences}[0]{problem}, qr/^\Q$one\E has .* bytes with SHA-256 [0-9a-f]{16}, archived .*, \Q$two\E has/, 'both sides are told');
	(undef, @documents) = verified('--quick');
	ok($documents[2]{same}, '--quick does not see that');
	spew($path, $kept);
};

subtest 'the schema' => sub {
	my (undef, @documents) = verified();
	my $file = spew(scratch() . '/comparison.json', JSON::PP->new->encode($documents[2]));
	my $check = run('/usr/bin/python3', '-c',
		'import json, jsonschema, sys; jsonschema.validate(json.load(open(sys.argv[2])), json.load(open(sys.argv[1])))',
		repository() . '/man/walverify-comparison.schema.json', $file);
	is($check->{code}, 0, 'is kept to') or diag($check->{err});
};

subtest 'trouble' => sub {
	rename $two, "$two.away" or die $!;
	my $run = run(\%conf, 'walverify', '--quick', 'main');
	is($run->{code}, 3, 'one is away: exit code 3');
	like($run->{err}, qr/^walverify: error: \Q$two\E: [^\n]*\n\z/, 'it is named');
	like($run->{out}, qr/^\Q$one\E: cluster.*whole$/ms, 'the other is verified all the same');
	unlike($run->{out}, qr/side by side/, 'but not compared');
	rename "$two.away", $two or die $!;
	for my $option ('--format=nagios', '--format=prometheus', '--state=' . scratch() . '/state')
	{
		my $refused = run(\%conf, 'walverify', $option, 'main');
		is($refused->{code}, $option =~ /nagios/ ? 3 : 2, "$option takes one archive");
		like($refused->{err} . $refused->{out}, qr/call this for each/, 'and says so');
	}
};

done_testing();
