<?php
// Answers at once, whatever is sent.
header('Content-Type: text/plain');
echo "now\n";
