package FaultProxy;

# A proxy between a client and a storage server that spoils requests and answers as it is told, and remembers all of them.
#
#   my $proxy = FaultProxy->start($gateway);                                       # tls => $bundle: TLS to the client
#   $proxy->fault('answer', method => 'PUT', status => 503, code => 'SlowDown', headers => { 'Retry-After' => 1 }, times => 2);
#   my $run = run({ env => $gateway->environment(endpoint => $proxy->endpoint) }, 'walpush', ...);
#   is($proxy->request_count('PUT'), 3, 'the third attempt got through');
#   $proxy->clear;                                                                 # no faults any more, and nothing remembered
#
# Which requests: method; path, a regular expression for path?query; header, one that the request must have; skip (so many
# first) and times (so many then; all). The first fault that matches and is not used up applies. What it does:
#
#   answer            answers itself, after the request's body: status, code (of an S3 error; elements, more XML in it),
#                     headers, body. The server does not see the request
#   answer_early      the same before the body; end => 'reset' cuts the connection then
#   cut_request       ends the connection after so many bytes (after) of the body: end => 'reset' or 'close'
#   stall_request     reads no more after so many bytes of the body, for so many seconds (3600), then goes on
#   flip_request      flips a bit of byte at of the request's body
#   lose_answer       the server has done it, the client gets a reset (end => 'close') instead of the answer
#   stall_answer      the server has done it, the answer waits for so many seconds (3600)
#   cut_answer        ends the connection after so many bytes of the answer's body: end => 'close' or 'reset'
#   flip_answer       flips a bit of byte at of the answer's body
#   trickle           bytes_per_second of the answer's body
#   wrong_length      the answer's Content-Length is wrong by so many bytes (by); the connection stays open
#   endless           an answer like those of answer whose body goes on for ever, with filler
#   drip              the same, slowly: bytes_per_second of blanks
#   rubbish           body instead of an answer
#   capitals          the names of the answer's headers with capitals: X-Amz-Meta-Key
#   edit_answer       pattern (of Python) and replacement for the answer's body; headers to set, or with undef to remove
#   same_page         a list's first page says that more follows, and is the answer to every later request
#   clock             the server's clock is off by so many seconds: RequestTimeTooSkewed for who does not adjust to its Date
#   ignore_header     a server that does not know the header
#
# Such as: an answer for DeleteObjects, fault('answer', method => 'POST', path => qr/[?]delete/, status => 501, code =>
# 'NotImplemented'); for conditional requests, fault('answer', header => 'if-none-match', status => 501, ...); from another
# region, fault('answer', status => 301, headers => { 'x-amz-bucket-region' => 'eu-west-3' }, code => 'PermanentRedirect',
# elements => '<Endpoint>...</Endpoint>'); an InternalError with status 200, fault('answer', code => 'InternalError').
#
# The last two sign the request again before they pass it on, with the server's main keys.

use strict;
use warnings;

use File::Basename qw(dirname);
use JSON::PP ();
use MIME::Base64 qw(encode_base64);
use ServerProcess;
use WalTest;

my $program = dirname(__FILE__) . '/fault_proxy';
my $count   = 0;

# The server is a CephGateway, or another with port() and secret_key(). Options: tls (file of private key and certificate).
sub start
{
	my ($class, $server, %option) = @_;
	my $self = bless {
		%option,
		server    => $server,
		directory => scratch('proxy' . ++$count),
		port      => reserve_port(),
		rules     => [],
		last_id   => 0,
	}, $class;
	$self->write_rules;
	$self->{process} = ServerProcess->start(
		name    => "proxy$count",
		command => [ $program, $self->{directory}, $self->{port}, $server->port, $option{tls} // () ],
	);
	$self->{process}->wait_for_port($self->{port});
	return $self;
}

sub port     { return $_[0]{port} }
sub endpoint { return ($_[0]{tls} ? 'https' : 'http') . "://127.0.0.1:$_[0]{port}" }
sub stop     { $_[0]{process}->kill_now; return }

# ---- faults

# Adds a fault for the requests from now on. Returns its number, for withdraw().
sub fault
{
	my ($self, $fault, %option) = @_;
	slurp($program) =~ /^def \Q$fault\E\(exchange, rule\):/m or die "no fault '$fault'";
	$option{$_} += 0 for grep { defined $option{$_} } qw(skip times status after at seconds by bytes_per_second);
	$option{path} = pattern($option{path}) if ref $option{path};
	$option{$_} = encode_base64($option{$_}, '') for grep { defined $option{$_} } qw(body filler);
	push @{ $self->{rules} }, { %option, fault => $fault, id => ++$self->{last_rule}, secret => $self->{server}->secret_key };
	$self->write_rules;
	return $self->{last_rule};
}

# What qr// adds is not Python's.
sub pattern
{
	my ($regexp) = @_;
	my ($text, $modifiers) = re::regexp_pattern($regexp);
	return ($modifiers =~ /i/ ? '(?i)' : '') . $text;
}

sub withdraw
{
	my ($self, $number) = @_;
	@{ $self->{rules} } = grep { $_->{id} != $number } @{ $self->{rules} };
	$self->write_rules;
	return;
}

# No faults any more; the requests so far are forgotten.
sub clear
{
	my ($self) = @_;
	my @known = $self->logged;
	$self->{last_id} = $known[-1]{id} if @known;
	$self->{rules} = [];
	$self->write_rules;
	return;
}

# In one step: the proxy reads the file at each request.
sub write_rules
{
	my ($self) = @_;
	my $file = "$self->{directory}/rules";
	spew("$file.new", JSON::PP->new->ascii->encode($self->{rules}));
	rename "$file.new", $file or die "$file: $!";
	return;
}

# ---- what came

# The requests in the order in which they came, a hash each: method, path (with query), headers (names in lower case),
# connection (its number), fault (its name; none); as soon as it is known also received (bytes of the body), status, sent
# (bytes of the answer's body). Arguments filter: a method, a regular expression for the path.
sub requests
{
	my ($self, $method, $path) = @_;
	return grep { (!defined $method || $_->{method} eq $method) && (!defined $path || $_->{path} =~ $path) }
	  grep { $_->{id} > $self->{last_id} } $self->logged;
}

sub request_count
{
	my ($self, @filter) = @_;
	return scalar(my @matching = $self->requests(@filter));
}

sub logged
{
	my ($self) = @_;
	my $file = "$self->{directory}/log";
	my %request;
	for my $line (-e $file ? slurp($file) =~ /^(.*)\n/mg : ())
	{
		my $facts = JSON::PP::decode_json($line);
		@{ $request{ $facts->{id} } }{ keys %$facts } = values %$facts;
	}
	return map { $request{$_} } sort { $a <=> $b } keys %request;
}

1;
