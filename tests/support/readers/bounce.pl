# Reads the mail whose file is the one argument with Sisimai, and prints what it takes it for as JSON.
use strict;
use warnings;
use Sisimai;

my $found = Sisimai->dump($ARGV[0], delivered => 1);
print $found, "\n";
