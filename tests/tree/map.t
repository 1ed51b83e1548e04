#!/usr/bin/perl
# README ends with a map: every file is on it, and nothing else is.
use strict;
use warnings;
use Test::More;
use FindBin;
chdir "$FindBin::Bin/../.." or die $!;

open my $readme, '<', 'README.md' or die $!;
my $text = do { local $/; <$readme> };
my ($map) = $text =~ /^## Map\n(.*)/ms or die 'README.md has no map';

# "name.c, .h   phrase" stands for name.c and name.h, "name_*.t" for all that match.
my @listed;
my $directory = '';
for my $line (grep { /\S/ } split /\n/, $map) {
    if ($line =~ m{^    (\S+/)(?:\s|$)}) {
        $directory = $1;
        next;
    }
    my ($names) = $line =~ /^      ([^\s,]+(?:, [^\s,]+)*)/ or next;
    my $base = '';
    for my $name (split /, /, $names) {
        $name = $base . $name if $name =~ /^\./;
        ($base) = $name =~ m{^(.*)\.[^./]*$} if $name =~ /\./;
        (my $pattern = quotemeta "$directory$name") =~ s{\\\*}{[^/]*}g;
        push @listed, [ "$directory$name", qr/^$pattern$/ ];
    }
}

my @files = grep { -f } glob('cmd/* lib/*/* tests/* tests/*/* man/* scripts/* scripts/*/*');
for my $file (@files) {
    ok((grep { $file =~ $_->[1] } @listed), "$file is on the map");
}
for my $entry (@listed) {
    ok((grep { $_ =~ $entry->[1] } @files), "$entry->[0] on the map is a file");
}

done_testing();
