#!/usr/bin/perl
# The manual pages are clean mdoc and say what the programs do: every option, every exit code.
use strict;
use warnings;
use Test::More;
use FindBin;
chdir "$FindBin::Bin/../.." or die $!;
my $bin = $ENV{TEST_BIN} // 'build/bin';

for my $page (sort glob('man/*.[15]')) {
    is(`mandoc -Tlint -W warning $page 2>&1`, '', "$page is clean");
}

for my $program (qw(walpush walfetch walclean wallist walverify)) {
    (my $page = `mandoc -Tascii man/$program.1`) =~ s/.\x08//g;
    my $help = `$bin/$program --help`;
    my @options = $help =~ /(--[a-z0-9-]+)/g;
    ok(@options > 3, "$program --help lists options");
    for my $option (@options) {
        ok(index($page, $option) >= 0, "$program(1) describes $option");
    }
    for my $option ($page =~ /^\s+(?:-\w, )?(--[a-z0-9-]+)/mg) {
        ok(index($help, $option) >= 0, "$program --help lists $option");
    }
    my ($status) = $page =~ /^EXIT STATUS\n(.*?)^[A-Z]/ms;
    for my $code (0, 2 .. 6) {
        like($status // '', qr/^\s+$code\b/m, "$program(1) explains exit code $code");
    }
}

done_testing();
